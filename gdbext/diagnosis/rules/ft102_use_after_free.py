"""FT102: the block of the bad pointer is free, or will be; or that which it was read from."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.fills import FREED, fill_of
from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.facts.cause import Wrong
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.memory import ExportedMemory, FreedChunk, FreedMemory
from gdbext.diagnosis.rule import Defect, Kind, Lost, Rule, RuleTraits
from gdbext.diagnosis.rules.ft203_container_changed import check as container_changed
from gdbext.diagnosis.rules.phrases import (
    evidence_of,
    fill_went_through,
    frame_of,
    last_read,
    lead_of,
    name_of,
    subject_of,
)
from gdbext.model import (
    Address,
    Claim,
    Confidence,
    Container,
    Evidence,
    Finding,
    Operation,
    OperationKind,
    Subject,
    Verdict,
)

OF_MALLOC = (
    "Find the block's owners: one freed or deleted it while another still uses it (two unique_ptr "
    "for one object, a pointer kept after close()). AddressSanitizer names both."
)
OF_EXPORTER = (
    "An exporter must keep its memory until the last Py_buffer of it is released: count them in "
    "bf_getbuffer and bf_releasebuffer, and let close() and the like fail (BufferError) until then."
)
NEVER_FREED = (Verdict.NEVER_ALLOCATED, Verdict.UNMAPPED)


def check(facts: Facts) -> Iterator[Finding]:
    """The root pointer where its block is free; without one, a fault through freed
    memory's fill.
    """
    cause = facts.cause
    pointer = cause.pointer
    if facts.heap.freed_chunk is not None:
        yield _of_malloc(facts, facts.heap.freed_chunk)
        return
    if facts.exported is not None:
        yield _of_exporter(facts, facts.exported)
        return
    if pointer is None and facts.freed_memory is not None:
        # A container whose array it is says more.
        if not any(True for _ in container_changed(facts)):
            yield _of_memory(facts, facts.freed_memory)
        return
    if pointer is None:
        yield from _through_freed(facts)
        return
    if cause.kind is not Wrong.GONE or cause.is_item or pointer.verdict in NEVER_FREED:
        return
    operation = of_crashed_frame(facts.stack, pointer.main_use.level)
    if fill_of(pointer.address) == FREED:
        detail = Claim("uses-read-from-freed", operation=operation)
    else:
        detail = Claim(
            "uses-gone",
            operation=operation,
            object=name_of(pointer),
            state=pointer.verdict.value,
        )
    described, *proof = evidence_of(facts, pointer)
    yield RULE.finding(
        facts,
        detail,
        pointer.liveness_for_use.confidence,
        subject_of(pointer),
        evidence=[described, *cause.holders.others, *proof],
    )


def _of_malloc(facts: Facts, chunk: FreedChunk) -> Finding:
    """A block of malloc(), or of C++'s new, whose first word is the allocator's link by now."""
    claim = Claim("used-chunk", level=chunk.level, function=chunk.function)
    return RULE.finding(
        facts,
        Claim("uses-freed-chunk", function=chunk.function),
        Confidence.LIKELY,
        Subject(chunk.address, None, None, Verdict.FREED),
        evidence=[
            Evidence(claim, None, chunk.address),
            Evidence(Claim("link-of-chunk"), chunk.address, chunk.word, broken=True),
        ],
        advice=OF_MALLOC,
    )


def _of_exporter(facts: Facts, memory: ExportedMemory) -> Finding:
    """Memory that an object has given back while a memoryview of it was in use."""
    level = facts.stack.faulting.level if facts.stack.faulting else 0
    return RULE.finding(
        facts,
        Claim("uses-exported", operation=of_crashed_frame(facts.stack, level), type=memory.type),
        Confidence.LIKELY,
        Subject(memory.start, None, None, Verdict.UNMAPPED),
        Container(memory.exporter, memory.type),
        evidence=[
            Evidence(
                Claim("view-of", size=memory.size, start=Address(memory.start)),
                memory.view,
                None,
                memory.start,
            ),
            Evidence(Claim("not-mapped-there"), memory.address, None, memory.start, broken=True),
            Evidence(Claim("view-not-released"), memory.view, None, memory.start),
        ],
        advice=OF_EXPORTER,
    )


def _of_memory(facts: Facts, memory: FreedMemory) -> Finding:
    """A block that is not an object: an object's array, a node of its list, its buffer."""
    frame = frame_of(facts, memory.level)
    operation = of_crashed_frame(facts.stack, frame.level if frame is not None else 0)
    lead = memory.lead
    return RULE.finding(
        facts,
        Claim(
            "uses-freed-memory",
            operation=operation,
            field=lead.field if lead else None,
            type=lead.type if lead else None,
        ),
        # It may have been freed after the code had read from it, before all threads stood still.
        Confidence.LIKELY,
        Subject(memory.start, None, None, Verdict.FREED),
        Container(lead.holder, lead.type) if lead else None,
        evidence=[
            Evidence(Claim("works-in-block", size=memory.size), memory.place, broken=True),
            *lead_of(lead, memory.start),
            *memory.evidence,
            *last_read(facts),
        ],
    )


def _through_freed(facts: Facts) -> Iterator[Finding]:
    """The faulting access, or jump, goes through the fill that the debug hooks write over freed
    memory.
    """
    fault = facts.fault
    fill, reason = fill_went_through(facts) or (None, None)
    if not fault.is_fault or fill != FREED or reason is None:
        return
    faulting = facts.stack.faulting
    operation = (
        Operation(kind=OperationKind.C_FUNCTION, name=faulting.function)
        if faulting
        else Operation(kind=OperationKind.C_CODE)
    )
    evidence = [reason]
    if fault.instruction:
        evidence.append(Evidence(Claim("faulting-instruction"), None, fault.instruction))
    yield RULE.finding(
        facts,
        Claim("uses-read-from-freed", operation=operation),
        Confidence.LIKELY,
        evidence=evidence,
    )


RULE = Rule(
    id="FT102",
    title="object used after free",
    explanation=(
        "C code works on an object whose memory is free, queued to be freed, or filled with the "
        "debug allocator's dead bytes; or on other memory that is free: an object's array, a node "
        "of its list, its buffer."
    ),
    advice=(
        "Find who dropped the last reference while it was still in use: a missing Py_INCREF, a "
        "Py_DECREF too many, or a borrowed reference that another thread, or Python code called "
        "meanwhile in the same thread, could end."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=80,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE, Defect.MUTEX_MISUSE}),
        lost=Lost.ITEM,
        family="stale",
    ),
    check=check,
)
