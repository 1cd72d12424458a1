"""FT105: the allocator's own lists, or the guard bytes around its blocks, are damaged."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.conclude import libc
from gdbext.diagnosis.conclude.allocator_functions import is_mimalloc
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.memory import HeapDamage
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import lead_of
from gdbext.model import Address, Claim, Confidence, Evidence, Finding, Foreign

AT_WORK = "Look first at the code that has the block right now: it may be what wrote past it."
FREED_TWICE = (
    "Look for two threads that both give up one reference to the suspect (an unlocked "
    "read-then-clear of a field), and for a deallocator that runs twice: one that takes a "
    "reference to its object, and drops it, comes back to itself."
)
OF_C_LIBRARY = (
    "Something wrote past the end of a block of malloc(), or into a freed one, before; it need not "
    "be the crashing code. AddressSanitizer or valgrind catch the write itself; "
    "GLIBC_TUNABLES=glibc.malloc.check=3 with LD_PRELOAD=libc_malloc_debug.so.0 finds it sooner."
)


def check(facts: Facts) -> Iterator[Finding]:
    """What the allocator's data shows; a link that it met; what the C library reported."""
    for damage in facts.heap.damages:
        users = [user for user in damage.users if user.lwp != facts.stack.lwp]
        at_fault = [facts.stack.lwp] if facts.stack.lwp is not None else []
        yield RULE.finding(
            facts,
            _title(damage),
            Confidence.PROVEN,
            damage.subject,
            evidence=[*_lead(damage), *_with_users(damage)],
            threads=[*at_fault, *(user.lwp for user in users)],
            advice=f"{AT_WORK} {RULE.advice}"
            if users
            else f"{FREED_TWICE} {RULE.advice}"
            if _is_cycle(damage)
            else None,
        )
    if facts.heap.was_searched and not facts.heap.damages:
        yield from _bad_link(facts)
    wrong = facts.heap.wrong_free
    is_mixed_up = wrong is not None and wrong.confidence is not Confidence.POSSIBLE
    if not is_mixed_up and facts.heap.freed_chunk is None:
        yield from _of_c_library(facts)


def _title(damage: HeapDamage) -> Claim:
    """What is damaged, and whose memory it is."""
    if damage.lead is None:
        return damage.title
    lead = damage.lead
    return Claim("damage-of", field=lead.field, type=lead.type, damage=damage.title)


def _lead(damage: HeapDamage) -> list[Evidence]:
    return lead_of(damage.lead, damage.subject.address) if damage.subject else []


def _is_cycle(damage: HeapDamage) -> bool:
    """Whether the list leads back to itself, as it does behind a block that was freed twice."""
    claims = [e.claim for e in damage.evidence if isinstance(e.claim, Claim)]
    return any(claim.kind == "cycle-by-double-free" for claim in claims)


def _with_users(damage: HeapDamage) -> list[Evidence]:
    """What is broken, who has the blocks in question right now, and the rest."""
    users = [
        Evidence(
            Claim(
                "block-user",
                thread=Claim("thread-by-name", lwp=user.lwp, name=user.name),
                level=user.level,
                function=user.function,
                variable=user.variable,
                owner=user.owner,
                block=Address(user.block),
            ),
            user.block,
            None,
            user.block,
        )
        for user in damage.users
    ]
    first = next((n for n, e in enumerate(damage.evidence, 1) if e.broken), len(damage.evidence))
    return [*damage.evidence[:first], *users, *damage.evidence[first:]]


def _of_c_library(facts: Facts) -> Iterator[Finding]:
    """What the C library found wrong with its heap, or a fault among its own lists.

    A pointer that does not fit need not be a block of its heap: sure is only what the heap's own
    words say.
    """
    call = facts.heap.call
    if libc.is_damage(facts.fault):
        yield RULE.finding(
            facts,
            Claim("libc-heap-damaged", message=Foreign(facts.fault.library_message or "")),
            Confidence.LIKELY if libc.is_of_given(facts.fault) else Confidence.PROVEN,
            evidence=libc.evidence(facts.fault, facts.stack),
            advice=OF_C_LIBRARY,
        )
    elif facts.fault.address is not None and call is not None and not call.is_cpythons:
        word = facts.fault.through
        claim = Claim(
            "allocator-called", level=call.level, caller=call.caller, function=call.function
        )
        yield RULE.finding(
            facts,
            Claim("libc-bad-link", function=call.function, word=Address(word or 0)),
            Confidence.LIKELY,
            evidence=[
                Evidence(claim, None),
                Evidence(Claim("faulting-access"), None, facts.fault.instruction),
            ],
            advice=OF_C_LIBRARY,
        )


def _bad_link(facts: Facts) -> Iterator[Finding]:
    """The allocator met a word that is not a block, and has taken the list off its page
    to walk it.
    """
    frame, operand = facts.stack.faulting, facts.fault.operand
    if frame is None or operand is None or not facts.fault.is_fault:
        return
    # A list ends at NULL: whoever went through one was not following a link.
    base = operand.base_value
    if not is_mimalloc(frame.function) or not base or facts.heap.operand_is_block:
        return
    claim = Claim("went-through", level=frame.level, function=frame.function, operand=operand.text)
    yield RULE.finding(
        facts,
        Claim("bad-link", function=frame.function, word=Address(base)),
        Confidence.LIKELY,
        evidence=[Evidence(claim, None, base, broken=True)],
    )


RULE = Rule(
    id="FT105",
    title="heap or freelist corrupted",
    explanation=(
        "The allocator's own lists contain something that it did not put there. "
        "The thread that crashed only happened to use the damaged list; "
        "the code that wrote to freed or foreign memory is elsewhere."
    ),
    advice=(
        "The crashing frame need not be the cause: look at the suspects, the block's neighbours, "
        "and at what other threads do. PYTHONMALLOC=debug or a debug build catches the write "
        "closer to its cause."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=120,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        is_victim=True,
        has_no_site=True,
    ),
    check=check,
)
