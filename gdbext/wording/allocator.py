"""Whether an address is alive, whose block it is in, and what is wrong with the heap."""

from __future__ import annotations

from gdbext.wording.grammar import Number, Phrase, Sentence, Word, article

FILLS = {
    0xCD: "allocated and never written (0xCD)",
    0xDD: "freed (0xDD)",
    0xFD: "a guard beside a block (0xFD)",
}
"""What CPython's debug hooks say with a fill byte (Objects/obmalloc.c)."""
ROLES = {
    "itself": "it may have been used after it was freed",
    "freed twice": "it may have been freed twice, or used after it was freed",
    "before": "right before, it may have been written past its end",
    "runs over": (
        "a run of that word goes on from it into the next block, "
        "it may have been written past its end"
    ),
}
"""Why a block may be the origin of damage."""
FREE = {
    "owner's": "free again for the thread that owns it",
    "freed by another": "freed by another thread",
    "without owner": "free again; the thread that owned it has exited",
}
"""Whose a free block is: only others' lists tell who freed it."""


def filled(template: str) -> Sentence:
    """With ``{fill}`` said in words."""
    return lambda fill, **words: template.format(fill=FILLS[fill], **words)


def _meanwhile(template: str) -> Sentence:
    """With what a thread is doing at the moment, which may explain the rest."""

    def say(meanwhile: Phrase | None, **words: Word) -> str:
        text = template.format(**words)
        return f"{text}; {meanwhile}" if meanwhile else text

    return say


def _linked(block: Word, encoded: bool, number: Number, length: Number, list: Phrase) -> str:
    return (
        f"this word links to block {block}{', encoded' if encoded else ''}: "
        f"number {number} of {length} on {list}"
    )


def _object_owner(owner: Phrase, differs: bool) -> str:
    return f"ob_tid names {owner}" + (", not the segment's thread" if differs else "")


def _memory_is_fill(fill: int, meanwhile: Phrase | None) -> str:
    text = f"its memory is {FILLS[fill]}"
    return f"{text}; {meanwhile}" if meanwhile else text


def _in_place(place: Phrase, seems: Phrase | None) -> str:
    return f"in {place}{f'; {article(seems)} seems to be there' if seems else ''}"


def _freed(list: Phrase, now: str, page_waits: bool) -> str:
    text = f"its block is on the page's {list}: {FREE[now]}"
    return f"{text}; the whole page waits for QSBR to be given back" if page_waits else text


def _block(type: Phrase | None) -> str:
    return type or "block"


def _far(count: Number, at_least: bool) -> str:
    return f"at least {count}" if at_least else str(count)


def _overrun(type: Phrase | None, block: Word, count: Number, at_least: bool, size: Number) -> str:
    what = f"the {type} in the block" if type else "the block"
    return f"{what} {block} was written {_far(count, at_least)} bytes past its {size} bytes"


def _global(name: Phrase | None, slot: Phrase, module: Phrase, dict: Word) -> str:
    return f"global {name or slot} of module {module} (dict {dict})"


def _joined(lists: tuple[Phrase, ...]) -> str:
    return f"blocks found: {', '.join(lists)}"


SENTENCES: dict[str, Sentence] = {
    # Threads.
    "lwp": "LWP {lwp}",
    "thread-that-has-exited": "a thread that has exited",
    "exited-thread": "an exited thread",
    "nobody": "nobody",
    "the-interpreter": "the interpreter",
    "inside": "LWP {lwp} is inside {function}",
    "collection-running": "a garbage collection is running",
    # Verdicts: no object can be there.
    "null-pointer": "a NULL pointer",
    "pointer-is-fill": filled("the pointer itself was read from memory that is {fill}"),
    "not-in-core": "mapped, but the core does not have it",
    "unmapped": "no memory is mapped there",
    "misaligned": "{past} past a multiple of {alignment}, where no object can start",
    "in-raw-block": "in a PyMem_Raw block (of mimalloc's default heap), not an object's",
    "page-of-unknown-heap": "the page's tag is none of CPython's heaps",
    "page-heap-contradicts": "the page's header says another heap than the one that it is of",
    "in-memory-block": "in {size:a}-byte block of {api} memory",
    "in-pymem-block": "in {size:a}-byte block of PyMem_Malloc, which no object can be in",
    "inside-block": "inside the block of {object} at {start}",
    "inside-other-block": (
        "the page has blocks of {size} bytes now, "
        "and the address is inside that of {object} at {start}"
    ),
    "segments-unknown": "mimalloc's segments cannot be distinguished from other memory",
    "not-mimalloc": "not in mimalloc's memory; there is no map of memory to say more",
    "in-place": _in_place,
    "segment-header": "mimalloc's own header of segment {segment}",
    "page-headers-damaged": "the page headers of segment {segment} are damaged here",
    # Verdicts: no object is there any more, or yet.
    "freed": _freed,
    "freed-waiting": "freed, and waiting until no thread can still read it",
    "freed-and-lost": "freed, and lost from a free list that was damaged",
    "freed-with-earlier-page": (
        "freed with an earlier page; the page there now has not handed it out"
    ),
    "page-given-back": "every block of its page was freed, and the page given back",
    "segment-freed": "memory of a segment that mimalloc has freed",
    "reserved-unused": "memory that mimalloc has reserved and does not use",
    "never-a-page": "no page was ever made of this memory",
    "not-handed-out": "its page has not handed out this memory yet",
    "kept-on-freelist": "dead, kept on the freelist `{list}` of {owner} for its next allocation",
    "in-trashcan": "its deallocation is deferred: it is in the trashcan of LWP {lwp}",
    "last-reference-in-queue": "the last reference to it is the one that a queue will drop",
    "memory-is-fill": _memory_is_fill,
    "no-object-yet": _meanwhile("its block is in use, but there is no object in it (yet)"),
    "dead-and-inside": "its reference count is 0, and LWP {lwp} is inside {function}",
    "owner-inside": "LWP {lwp}, which owns the page, is inside {function}",
    "dead-not-freed": _meanwhile("its reference count is 0, but its block is not freed"),
    "not-an-object-in-block": _meanwhile("its block is in use, but what is in it is not an object"),
    "block-does-not-fit": "its block cannot be that of {type:a}",
    "other-type-lives": "{type:a} lives there, not {expected:a}",
    "reachability-unknown": "the garbage collector is finding out whether it is reachable",
    "unreachable": "the garbage collector has found it unreachable, and is about to clear it",
    # Verdicts: an object is there.
    "alive": "{type:a} with {count:reference}",
    "immortal": "an immortal {type}",
    "placed-object": "{type:a} with {count:reference}, placed by its maker in {size:a}-byte block",
    "static-object": "a static {type} in {place}",
    "object-in": "{type:a} in {place}",
    # Evidence: an object's header.
    "local-count": "ob_ref_local",
    "shared-count": "ob_ref_shared",
    "type-is-fill": filled("ob_type is {fill}"),
    "type-is-freed-fill": "ob_type has the debug fill of freed memory",
    "type-left-from": "ob_type is left from {type:a}",
    "count-wrapped-after-free": "its count wrapped below 0: a decref after it was freed",
    "shared-count-after-free": "its shared count is {count}: decrefs after it was freed",
    "looks-alive": (
        "but {type:a} with {count:reference} looks alive there: was a link overwritten?"
    ),
    "object-owner": _object_owner,
    # Evidence: pages and segments.
    "page-owner": "the page belongs to {owner}",
    "segment-owner": "the segment belongs to {owner}",
    "heap-of-thread": "heap {domain} of LWP {lwp}",
    "no-heap": "no thread's heap",
    "heap-is": "its heap is {domain}",
    "heap-tag-mem": "the page's heap has tag 0 (mem)",
    "block-too-small": "{type:a} has at least {needed} bytes, its block has room for {room}",
    "page-of-other-heap": "{type:a} comes from heap {domain}, its page is of {page_domain}",
    "page-blocks": (
        "of the page's {capacity} blocks {listed} are on free and local_free; the rest is in use"
    ),
    "blocks-handed-out": "blocks of {size} bytes that the page has handed out; they end at {end}",
    "slices-without-page": "{count} slices of 64 KiB are in no page",
    "segment-pages-used": "pages of the segment in use",
    "no-segment": "no segment starts at this 32 MiB boundary",
    "object-starts-elsewhere": lambda offset, is_before: (
        f"the block's object starts {offset} bytes {'before' if is_before else 'after'} the address"
    ),
    "a-type": "{type:a}",
    "an-object": "an object",
    # Evidence: lists and queues.
    "linked-block": _linked,
    "first-word-is-link": "its first word is the link of a free block",
    "blocks-lost": "{count} of the page's free blocks are on no list",
    "in-freelist": "it is on the freelist `{list}`",
    "in-delayed-frees": "it is in the queue of delayed frees of {owner}",
    "qsbr-goal": "QSBR goal",
    "linked-from-trash": "linked from delete_later of this thread state",
    "merge-pending": "LWP {lwp}, its owner, is to merge its counts",
    "decref-pending": "a delayed decref of it is queued",
    # Evidence: debug hooks.
    "debug-size-implausible": (
        "the size that the debug hooks noted before it does not fit its block"
    ),
    "written-past-end": "written {count} bytes past its {size} bytes (guard bytes are 0xFD)",
    "guard-before-overwritten": "{count} of the guard bytes before it are overwritten",
    "guard-overwritten": lambda count, at_least: (
        f"guard bytes (0xFD) overwritten up to {_far(count, at_least)} bytes past the end"
    ),
    "bytes-requested": "{size} bytes were asked for (big-endian)",
    "block-is": lambda verdict, type: f"the block is {article(verdict)} {_block(type)}",
    "block-overrun": _overrun,
    # Damage to mimalloc's lists.
    "link-leaves-page": "link leaves the page",
    "link-into-block": "link points into the middle of a block",
    "link-to-unused-block": "link points to a block that was never handed out",
    "list-cycle": "the list is a cycle",
    "block-on-two-lists": "block is on two lists",
    "link-unreadable": "link cannot be read",
    "counts-contradict": "the lists' lengths contradict the page's count",
    "list-flaw": "{list}: {flaw}",
    "list-flaw-after": "{list}, after {count} sound links: {flaw}",
    "page-is": "page of {size}-byte blocks, domain {domain}, starts at {start}",
    "page-flaw": "{size}-byte page {page}: {flaw}",
    "page-capacity": "blocks handed out so far",
    "page-used": "blocks in use, as the page counts",
    "blocks-listed": _joined,
    "on-list": "{count} on {list}",
    "free-list-damaged": "a free list of {size}-byte blocks is damaged (page {page}): {flaw}",
    "last-block-has-word": (
        "the block that was handed out last has the same word: the link was overwritten before that"
    ),
    "cycle-by-double-free": "a block that is freed twice makes such a cycle",
    "suspect-block": lambda verdict, type, address, role: (
        f"suspect: the {verdict} {_block(type)} {address}: {ROLES[role]}"
    ),
    # Damage to CPython's freelists.
    "member-not-an-address": "a member is not the address of an object",
    "member-twice": "a member is on it twice",
    "member-referenced": "it leads to an object with references",
    "member-unreadable": "a member cannot be read",
    "list-too-long": "it goes on after its {count} members",
    "list-too-short": "it ends after {length} of its {count} members",
    "count-out-of-range": "its count {count} is out of range",
    "freelist-flaw": "freelist `{list}`: {reason}",
    "freelist-has-it": "it is on the freelist `{list}`",
    "freelist-has-stray": "freelist `{list}` has an address that is in no page",
    "freelist-damaged": "the freelist `{list}` of {owner} is damaged",
    "freelist-damaged-by": "the freelist `{list}` of {owner} is damaged: {reason}",
    "page-list-has-it": "and on {list} of page {page}: it was freed twice",
    "cached-and-freed": "{address} is on the freelist `{list}` and freed as well",
    # What a word looks like.
    "looks-like": "what is there looks like {what}",
    "cleared-field": "a cleared field",
    "debug-fill": filled("debug fill: memory {fill}"),
    "thread-identifier": "the identifier of LWP {lwp}: the ob_tid of a live object",
    "text": "text",
    "small-number": "a small number ({number})",
    "small-negative-number": "a small negative number ({number}): a count below zero?",
    "float-number": "a floating-point number",
    "unknown-word": "not a pointer, a text or a number",
    "pointer-to-type": "a pointer to the type {type}",
    "pointer-to-object": "a pointer to {type:a}",
    "pointer-located": "a pointer {location}",
    "pointer-to-memory": "a pointer to memory that is {verdict}",
    # Places outside of mimalloc.
    "main-stack": "the main thread's stack",
    "stack-of": "the stack of LWP {lwp}",
    "module-data": "data of {path}",
    "module-text": "text or constants of {path}",
    "glibc-heap": lambda chunk: f"glibc's heap{f' {chunk}' if chunk else ''}",
    "glibc-chunk": lambda size, in_use: (
        f"(if a chunk starts here: {size} bytes, {'in use' if in_use else 'free'})"
    ),
    "raw-block": lambda size, is_overrun: (
        f"a PyMem_Raw block of {size} bytes{', written past its end' if is_overrun else ''}"
    ),
    "other-memory": "memory that neither mimalloc nor a module has",
    "unknown-memory": "unknown memory",
    # Who holds an address.
    "register-of": "{register} of LWP {lwp}",
    "frame-of": "{function} ({file}:{line}) of LWP {lwp}",
    "local-of": "local {name} of {frame}",
    "value-stack-of": "the value stack of {frame}",
    "merge-queue-of": "the merge queue of LWP {lwp}",
    "decref-queue": "the queue of delayed decrefs",
    "in-python-frames": "in the Python frames of LWP {lwp}",
    "in-dead-block": "in the block of a dead object",
    "in-block-of": "in {size:a}-byte {domain} block at {block}",
    "global-of": _global,
    "slot-of": "{subscript} of {type} {object}",
    "offset-in": "offset {offset} of {type} {object}",
}
