"""How rules describe a pointer and where it came from."""

from __future__ import annotations

from gdbext.cpython.fills import fill_of
from gdbext.diagnosis.facts.cause import Cause
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.frames import CFrame
from gdbext.diagnosis.facts.memory import Lead
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.model import (
    Address,
    Claim,
    Confidence,
    Container,
    Evidence,
    Subject,
    ThreadName,
    index_of,
)


def subject_of(pointer: Pointer) -> Subject:
    """``type`` is what memory says now; a freed object's own shows only where its
    header is left.
    """
    return Subject(pointer.address, pointer.actual_type, pointer.expected, pointer.verdict)


def container_of(cause: Cause) -> Container | None:
    """The container that the root pointer came from."""
    origin = cause.provenance
    if origin is None or not origin.is_container:
        return None
    index = None if origin.slot is None else index_of(origin.slot)
    return Container(origin.holder, origin.type, index)


def name_of(pointer: Pointer) -> Claim:
    """``a types.UnionType``, or ``an object`` where nothing says what it was."""
    kind = pointer.expected or pointer.actual_type
    return Claim("a-type", type=kind) if kind else Claim("an-object")


def evidence_of(facts: Facts, pointer: Pointer) -> list[Evidence]:
    """What proves the verdict on a pointer: who uses it as what, and what memory has there."""
    typed = [u for u in pointer.uses if u.expected] or pointer.uses[:1]
    use = next((u for u in typed if u.is_self), typed[0])
    claim = Claim(
        "used-as",
        level=use.level,
        function=use.function,
        variable=use.name,
        expected=use.expected,
        because=use.because,
    )
    return [
        Evidence(claim, None, Address(pointer.address)),
        *_verdict(facts, pointer),
        *pointer.liveness.evidence,
        *(broken.evidence for broken in pointer.violations),
        *pointer.header_problems,
    ]


def _verdict(facts: Facts, pointer: Pointer) -> list[Evidence]:
    """The verdict in a sentence, with the name of the thread that owns the block's page, where that
    is who would have it again: a freelist is of the thread that it names.
    """
    liveness = pointer.liveness
    if not liveness.reason or not pointer.is_gone:
        return []
    block = liveness.block
    owner = facts.process.by_address(block.owner_tstate) if block else None
    claim = liveness.reason
    if owner and owner.name and liveness.reason.kind != "kept-on-freelist":
        claim = Claim("named-verdict", verdict=liveness.reason, owner=ThreadName(owner.name))
    return [Evidence(claim, block.start if block else None, None, pointer.address)]


def fill_went_through(facts: Facts) -> tuple[int, Evidence] | None:
    """(fill byte, evidence) where the fault went through a fill of the debug hooks.

    Without the hooks such a word says nothing.
    """
    through = facts.fault.through
    fill = fill_of(through) if through is not None and facts.process.has_debug_hooks else None
    if fill is None:
        return None
    claim = Claim("read-from-fill", fill=Address(fill))
    return fill, Evidence(claim, None, through, broken=True)


def header_read(facts: Facts) -> list[Evidence]:
    """Which field of an object's header the access is at, from NULL."""
    field, fault = facts.fault.header_field, facts.fault
    return [Evidence(Claim("access-to-header", field=field), fault.address)] if field else []


def last_read(facts: Facts) -> list[Evidence]:
    """Where the code at fault read the pointer that it faulted through."""
    origin = facts.fault.origin
    if not origin.loads:
        called = origin.result_of
        return [Evidence(Claim("pointer-returned", called=called))] if called else []
    last = origin.loads[0]
    if last.is_local:
        return []
    reader = facts.stack.reader(last.level)
    if last.base is None:
        claim = Claim("code-read-variable", reader=reader, variable=last.symbol)
    elif last.type is not None:
        slot = last.slot if last.slot is not None else f"the field at {last.offset:#x}"
        base = Address(last.base)
        claim = Claim("code-read-field", reader=reader, slot=slot, type=last.type, base=base)
    else:
        offset, base = Address(last.offset), Address(last.base)
        claim = Claim("code-read-at", reader=reader, offset=offset, base=base)
    return [Evidence(claim, last.place, last.value)]


def lead_of(lead: Lead | None, block: int) -> list[Evidence]:
    """Whose pointer leads into a block."""
    if lead is None:
        return []
    claim = Claim("leads-to-block", field=lead.field, type=lead.type)
    return [Evidence(claim, lead.holder, None, block)]


def frame_of(facts: Facts, level: int | None) -> CFrame | None:
    """The frame of that level; without one that at fault."""
    found = facts.stack.frame_at(level) if level is not None else None
    return found or facts.stack.faulting


def one_thread(facts: Facts) -> list[Evidence]:
    """Who else can have changed a container under its reader, where the process has one thread."""
    if len(facts.process.threads) != 1:
        return []
    return [Evidence(Claim("one-thread"))]


def weaker(first: Confidence, second: Confidence) -> Confidence:
    """The one that says less."""
    return max(first, second, key=lambda c: c.rank)
