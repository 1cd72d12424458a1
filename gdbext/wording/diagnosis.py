"""What a crash was, and what shows it."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.wording.allocator import filled
from gdbext.wording.grammar import Number, Phrase, Sentence, Word, article

STATES = {
    "freed": "was freed",
    "pending-free": "is queued to be freed",
    "cached": "is dead, on a freelist",
    "reused": "was freed, its memory reused",
    "poisoned": "was freed",
    "never-allocated": "never was an object",
    "unmapped": "lies in unmapped memory",
    "interior": "is gone: the pointer leads into another block",
}
"""What became of an object, by the verdict on its address."""


def _finding(rule: Phrase, detail: Phrase | None) -> str:
    return f"{rule}: {detail}" if detail else rule


def _used_as(
    level: Number,
    function: Phrase | None,
    variable: Phrase,
    expected: Phrase | None,
    because: Phrase,
) -> str:
    kind = expected or "an object"
    return f"#{level} {function or '??'}({variable}) takes it for {kind} ({because})"


def _args_of_union(state: Phrase | None, what: Word) -> str:
    union = f"{state} union" if state else "union"
    return f"args of the {union} is {'?' if what is None else 'NULL' if what == 0 else what}"


def _beyond_end(operation: Phrase, index: Number | None, type: Phrase, size: Number) -> str:
    does = "reads an item, but" if index is None else f"is at item {index},"
    return f"{operation} {does} the {type} has {size} now"


def _still_held(subscript: Phrase, type: Phrase, holder: Word, name: Phrase | None) -> str:
    return f"still held by {subscript} of {type} {holder}" + (f" ({name})" if name else "")


def _wrong_free(caller: Phrase | None, function: Phrase, origin: Phrase) -> str:
    return f"{caller or 'the caller'} gives {origin} to {function}"


def _uncaught(
    type: Phrase | None, text: Phrase | None, caller: Phrase | None, file: Phrase | None
) -> str:
    what = f"{type or 'a C++ exception'} that nobody caught"
    by = _named(caller, file)
    what = f"{what}, thrown by {by}" if by else what
    return f"{what}: {text}" if text else what


def _terminated(caller: Phrase | None, file: Phrase | None) -> str:
    by = _named(caller, file)
    return "std::terminate() called" + (f" by {by}" if by else "")


def _named(caller: Phrase | None, file: Phrase | None) -> str | None:
    """A function, else the file of one that has no name."""
    return caller or (f"{file} (no symbols)" if file else None)


def _signal_sent(process: Word) -> str:
    sender = "kill() or by another process" if process is None else f"process {int(process)}"
    return f"the signal was sent by {sender}; no instruction faulted"


def _block_user(
    thread: Phrase,
    level: Number,
    function: Phrase,
    variable: Phrase,
    owner: Phrase | None,
    block: Word,
) -> str:
    place = f"`{variable}` of #{level} {function}"
    if owner:
        return f"{thread} has the block {block} right now: a field of {place}, of type {owner}"
    return f"{thread} has the block {block} right now: {place}"


def _gil_on_by_module(module: Phrase, others: Sequence[Phrase], count: Number) -> str:
    reason = "that does not say that it can do without it"
    if not count:
        return f"{module} turned it on: the only module {reason}"
    more = ", ..." if count > len(others) else ""
    return (
        f"{module} seems to have turned it on: the first import of a module {reason} "
        f"(the others: {', '.join(map(str, others))}{more})"
    )


def _uses_freed_memory(operation: Phrase, field: Phrase | None, type: Phrase | None) -> str:
    if type is None:
        return f"{operation} uses memory that was freed"
    return f"{operation} uses {field or 'memory'} of {article(type)}, which was freed"


def _at_work_on(title: Phrase, function: Phrase | None, type: Phrase) -> str:
    place = f"in {function} at work on" if function else "at work on"
    return f"{title}, {place} {article(type)}"


def _other_writers(modules: Sequence[Phrase], count: Number) -> str:
    more = f" and {count} more" if count else ""
    return (
        f"code that is not the interpreter's own may have done the damage as well: "
        f"{', '.join(map(str, modules))}{more}"
    )


SENTENCES: dict[str, Sentence] = {
    "finding": _finding,
    "gil-is-on": lambda holder: (
        "the GIL is on: threads take turns" + (f"; {holder} has it" if holder else "")
    ),
    "block-user": _block_user,
    "gil-on-by-user": "PYTHON_GIL=1 or -X gil=1 turned it on",
    "gil-on-for-import": "it is on while an extension module is being imported",
    "gil-on-by-module": _gil_on_by_module,
    "gil-wanted-by": lambda modules: (
        f"modules that do not say that they can do without the GIL: {', '.join(modules)}"
    ),
    "in-nameless-code": "{title}, in {file} (no symbols)",
    "in-extension": "{title}, in {function} of {module}",
    "likely-by-race": "{title}, likely by {race}",
    "at-work-on": _at_work_on,
    "operation": "{operation}",
    "said": "{text}",
    # A pointer: who uses it, and as what.
    "used-as": _used_as,
    "declared-as": "{type}",
    "function-of-type": "{function} of {type}",
    "passed-by": "{use}, passed by {function}",
    "first-argument-kept": "{use}; the function's code keeps its first argument there",
    "only-such-object": "{use}; the only such object in the frame's registers and stack",
    "faulting-base": "the faulting access goes through it",
    "parameter-reassigned": "its parameter, assigned to since",
    "named-verdict": "{verdict} ({owner})",
    "read-from-fill": filled("the pointer was read from memory that is {fill}: it is that fill"),
    "used-is-not-an-object": "#{level} {function}({variable}) is not an object: {verdict}",
    "kept-by-code": "the function's code keeps it there",
    # A pointer: where it came from, and who still has it.
    "still-holds": "{type} {holder} still holds the pointer",
    "is-named": "the {type} is {name}",
    "local-variable": "`{name}` in {function}",
    "global-variable": "the global `{name}`",
    "reference-counts": (
        "the {type}'s own reference counts: "
        "the object was freed because somebody dropped one that was not theirs"
    ),
    "still-held": _still_held,
    "value-of-variable": lambda name, module, dict: (
        f"still the value of `{name}` in {module or f'dict {dict}'}"
    ),
    "referred-to-by": "still referred to by `{variable}` in the data of {file}",
    "operation-works-on": "the current Python operation works on the {type}",
    "took-as-local": "{function} took it as its local `{variable}`",
    "is-at-item": "{function} is at item {index} (its local `{variable}`)",
    "length-now": "length of the {type} now",
    "field-now": "its field {label} now",
    "holder-alive": "the {type} is alive; {operation} got the pointer from it",
    # Stale objects (FT101 to FT104).
    "uses-gone": lambda operation, object, state: (
        f"{operation} uses {object} that {STATES.get(state, 'is gone')}"
    ),
    "uses-exported": lambda operation, type: (
        f"{operation} uses memory that {article(type)} exported and gave back"
    ),
    "uses-freed-memory": _uses_freed_memory,
    "works-in-block": lambda size: (
        f"the code at fault works in {article(f'{size}-byte block') if size else 'memory'}, "
        "which is free"
    ),
    "leads-to-block": lambda field, type: (
        f"{field or 'a field'} of the {type} leads into the block"
    ),
    "view-of": "a memoryview has {size} bytes at {start}",
    "not-mapped-there": "what is accessed there is not mapped",
    "view-not-released": "the memoryview was not released",
    "uses-freed-chunk": "{function} uses a block of malloc() that was freed",
    "used-chunk": "#{level} {function} has its address",
    "link-of-chunk": "its first word is the link of the C library's list of freed blocks",
    "uses-read-from-freed": "{operation} uses a pointer that was read from freed memory",
    "container-shrank": (
        "the {type} shrank under its reader: item {index} is beyond its length {length}"
    ),
    "one-thread": (
        "the process has one thread: code that the operation itself called (__eq__, __index__, "
        "__repr__, a destructor) changed it, or a thread that has ended since"
    ),
    "takes-for": "{function} takes {type:a} for {object}",
    "count-below-zero": ("reference count of {object} went below zero (one Py_DECREF too many)"),
    "ends-again": "{object} that is gone already is being deallocated",
    "malloc-block-freed-twice": "a block of malloc() was freed twice",
    "deallocated-again": "it is being deallocated, although it is gone already",
    "binding-said": "the C++ binding was about to say",
    "cpython-reported": "CPython reported",
    "unlocks-gone": "the {type} whose lock it gives up was freed while it was locked",
    "unlocks-another": (
        "the {type} whose lock it gives up does not have it: other code unlocked it before, the "
        "lock was written over, or what was locked there was freed, and its block is in use again"
    ),
    "visited-too-often": (
        "tp_traverse functions visit the {type} more often than it has references: one of them "
        "visits what its object does not own, or a reference was given up that nobody had"
    ),
    "is-about": "the object that it is about",
    # Damage (FT105), the wrong allocator (FT106).
    "wrong-free": _wrong_free,
    "free-of-no-block": lambda caller, function, origin: (
        f"{caller or 'the caller'} gives {origin}, which no allocator gave out, to {function}"
    ),
    "rust-panic": lambda function: (
        f"a panic of Rust code{f' in {function}' if function else ''}; its message went to stderr"
    ),
    "free-of-former-block": lambda caller, function, origin: (
        f"{caller or 'the caller'} gives {origin} to {function}, which is no block, or was one and "
        "has been freed before"
    ),
    "block-of-api": "a block of {api}",
    "inside-block-of-api": "the middle of a block of {api}",
    "block-of-object": "the memory of an object",
    "block-of-malloc": "a block of malloc()",
    "chunk-in-use": (
        "a chunk in use of the C library's heap, whose chunks lead to its end: {size:byte}"
    ),
    "gave-back": "#{level} {caller} called {function} with it",
    "hooks-letter": "the debug hooks' letter of the function that allocated it, {api}",
    "damage-of": lambda field, type, damage: f"{field or 'memory'} of {article(type)}: {damage}",
    "libc-heap-damaged": "the C library found its heap damaged: {message}",
    "libc-said": "the C library reported",
    "called-it": "#{level} {function} called it",
    "bad-link": (
        "{function} followed the free-list link {word}, which is not a block: "
        "the link was overwritten, or a pointer that is not from mimalloc was freed"
    ),
    "libc-bad-link": (
        "{function}() of the C library followed {word}, which leads nowhere: "
        "its heap was written over, or what it was given is not a block"
    ),
    "allocator-called": "#{level} {caller} called {function}()",
    "went-through": "#{level} {function} accessed {operand}",
    # Broken objects (FT201 to FT206).
    "args-of-union": _args_of_union,
    "parameters-raced": "{count} threads fill in the parameters of one union",
    "parameters-computed": (
        "threads that compute the parameters inside union_init_parameters, "
        "while nobody holds its mutex"
    ),
    "walks-old-array": "{function} walks an array that the {type} no longer owns",
    "old-array": "#{level} {function}: {variable} points to the old array",
    "array-now": "the {type}'s array now",
    "beyond-end": _beyond_end,
    "variable": "#{level} {function}: {variable}",
    "offset-from-null": "the access is at an offset from NULL, where its items were",
    "size-now": "ob_size now",
    "no-longer-holds": "{operation} uses {object} that the {type} no longer holds",
    "read-null-from": "{function} read NULL from {slot} of {type:a}",
    "null-since-set": "{slot} was NULL when the code read it, and is not now",
    "null-in": "{slot} of {type:a} is NULL",
    "item-behind-last": (
        "item {index}, behind the last of {type:a}, was NULL when {operation} took it"
    ),
    "code-at-fault": "the code at fault",
    "code-of-caller": "#{level} {function}, which passed it on,",
    "code-read-item": "{reader} read NULL here, for item {index}; what stands there now",
    "code-read-from": "{reader} read the pointer from there",
    "code-read-variable": lambda reader, variable: (
        f"{reader} read the pointer from `{variable}`"
        if variable
        else f"{reader} read the pointer from a variable of its module"
    ),
    "code-read-field": "{reader} read the pointer from {slot} of the {type} {base}",
    "code-read-at": "{reader} read the pointer {offset} bytes behind {base}",
    "pointer-returned": "the pointer is what {called} returned",
    "null-argument": "{function} was given NULL as its argument {number}",
    "access-to-header": "the access is to {field} of an object at NULL",
    "uses-null-result": "{function} uses the NULL that {called} returned",
    "null-returned": "what {called} returned",
    "item-was-null": "item {index} of {type:a} was NULL when {operation} took it",
    "null-at-index": "#{level} {function}: {variable} is NULL, {index_variable} is {index}",
    "variable-null": "#{level} {function}: {variable} is NULL",
    "uses-null": "{function} uses NULL as an object",
    "never-was": "{operation}: expected {object}, found {what}",
    "guard-bytes": "the guard bytes beside a block: it was read past the end of one",
    "unwritten-memory": "the fill of memory that nobody has written yet",
    "other-blocks-ob-tid": (
        "the identifier of LWP {lwp}, an object's ob_tid: it was read past the end of another block"
    ),
    "pointer-is-text": "text: something wrote over the pointer",
    "pymem-block": "{size:a}-byte block of PyMem_Malloc, where CPython puts no objects",
    "characters-of": "the text of the {type} {address}",
    "passed-or-reused": (
        "either its caller passed it so, and {function} does not check, "
        "or it lives where {expected:a} was freed"
    ),
    "own-type-has-function": (
        "its type, as it is now, has the function as its {slot}, though not the struct that the "
        "function works on"
    ),
    "type-not-readied": (
        "the static type {type} has no ob_type: PyType_Ready() was not called for it"
    ),
    "header-impossible": "the header of {object} is impossible: {problem}",
    "broken-field": "{object}: {flaw}",
    # Threads (FT301 to FT305).
    "operations-on": lambda operations, type: f"{' and '.join(operations)} on one {type}",
    "thread-by-name": lambda lwp, name: f'thread "{name}"' if name else f"LWP {lwp}",
    "changes-the-same": "{thread} changes the same {type}",
    "changes-the-same-at": "{thread} changes the same {type} at {file}:{line}",
    "thread-is-inside": "{thread} is inside {operation}",
    "thread-runs": "{thread} runs {operation}",
    "thread-is-on-line": "{thread} is on a line that does {operation}",
    "thread-is-in-loop": "{thread} is in a loop that does {operation}",
    "thread-is-in-code": "{thread} runs code that does {operation}",
    "has-pending": "{thread} has {operation} before it, in a queue or a suspended frame",
    "takes-in-turn": "{thread} takes its objects from the same place, for {operation}",
    "takes-no-part": lambda thread, met_damage: (
        f"{thread}, which died, is not seen to use it"
        + (": it met damage that others had done" if met_damage else "")
    ),
    "other-writers": _other_writers,
    "other-heap": "what is damaged is the C library's heap, in which no Python object lies",
    "written-over": "what stands there is not an address: something else wrote over it",
    "still-there": (
        "the {type} still has what its reader died of: the other thread, which takes the object's "
        "lock, has not taken it away"
    ),
    "leaves-whole": (
        "{operation} takes the object's lock, and leaves it whole: {function} need not have died "
        "of that"
    ),
    "still-in-part": "the {type} still has what its reader died of: nobody has taken it away",
    "only-adds": "{operation}, which takes the object's lock, ends nothing that it held",
    "unknown-effect": "what {operation} does to a {type} is not known: it may only read it",
    "address-in-code": (
        "the address stands in the code itself: it was read from no object that threads share"
    ),
    "own-abort": "{function} ended the process itself, and does not say why",
    "own-fatal-error": "{function} ended the process itself, with a message of its own",
    "signal-was-sent": "the signal was sent: no instruction faulted",
    "works-in-turn": "{thread} does the same work, and may have had the object before",
    "replaces-such": "{thread} puts one {type} there in place of another",
    "changes-such": "{thread} does {operation} to another {type}, which is or was in its place",
    "holds-what-was-damaged": "the {type} holds what was damaged",
    "holds-what-is-changed": "the {type} holds what is changed",
    "was-called": "{function} was called",
    "runs-in": "{function} is running in LWP {lwp}",
    "state-detached": "its thread state {state} is detached",
    "no-thread-state": "it has no thread state",
    "thread-exits": "the thread is exiting: {function} of the C library runs its destructors",
    "process-exits": "the process exits: {function} of the C library runs its destructors",
    "process-as-a-whole": "the process as a whole: {state}",
    "thread-is-at": "{thread} is at {file}:{line} in {function}",
    "waiters-for-lock-of": "threads that wait for a lock of LWP {lwp}",
    # Plain crashes (FT401 to FT405).
    "assertion": "{function}: {expression}",
    "assertion-in": "assertion in {function}",
    "message": "message",
    "recurses": "{function} recurses",
    "needs-stack": lambda function, size: (
        f"{function or 'one function'} alone needs {size:,} bytes of it"
    ),
    "most-frequent": "the most frequent function of the innermost {count} frames is {function}",
    "stack-pointer": "stack pointer",
    "stack-end": "lowest address of the stack's mapping",
    "faulting-access": "faulting access",
    "faulting-instruction": "faulting instruction",
    "operand": "its operand {operand}",
    "divided-by-zero": "integer division by zero",
    "quotient-too-large": "integer division whose quotient does not fit",
    "division-fault": "integer division by zero, or whose quotient does not fit",
    "floating-point-exception": "a floating-point exception",
    "trap-instruction": "a trap that the compiler put there",
    "breakpoint-instruction": "a breakpoint instruction without a debugger",
    "illegal-instruction": "an illegal instruction",
    "refused-in": lambda what, place: f"{what} {place}" if place else f"{what}",
    "divisor": "its divisor {operand}",
    "bad-program-counter": (
        "the program counter is not in any code: a call through a bad function pointer"
    ),
    "calls-null": lambda caller: f"{caller or 'C code'} calls a NULL function pointer",
    "called-function-jumps": lambda caller, target: (
        f"a function that {caller or 'C code'} called ended in a call through "
        f"{'a NULL pointer' if str(target) == '0x0' else f'the pointer {target}'}"
    ),
    "calls-another": lambda caller, symbol: (
        f"the pointer that {caller or 'the caller'} itself calls through is another one: "
        f"{f'`{symbol}`' if symbol else 'where its code reads it'}"
    ),
    "calls-unmapped": lambda caller, target: (
        f"{caller or 'C code'} calls {target}, a stale function pointer: nothing is mapped there"
    ),
    "calls-data": lambda caller, target: (
        f"{caller or 'C code'} calls {target}, which is data: a stale function pointer, or no "
        "function's"
    ),
    "calls-no-address": lambda caller, target: (
        f"{caller or 'C code'} calls {target}, which is not the address of anything"
    ),
    "mapped-there": "what is mapped there: {what}",
    "in-function": "in {function}",
    "in-function-of": "in {function} of {module}",
    "shared-variable": "`{variable}` is a static variable, one for all threads",
    "through-null": "{place}, through NULL",
    "works-on": "its C code was at work on this {type}",
    "in-file-without-symbols": "in {file} (no symbols)",
    "in-code-of-no-file": "in code of no file",
    "signal-code": "signal code",
    "signal-sent": _signal_sent,
    "sent-by": "sent by process {process}",
    "uncaught-exception": _uncaught,
    "terminated": _terminated,
    "called-by": "called by {function}",
    # The crashing code is not the cause.
    "memory-overwritten-before": ("the memory that this thread used had been written over before"),
    "not-in-race": "the crashed thread does not take part in the race",
}
