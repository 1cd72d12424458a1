"""FT206 and FT205 for pointers that never led to the object: debug fill, text, other memory, an unchecked cast, NULL.

What such a pointer says is where it was read: past the end of an array, from memory that nobody had written, or from a field
that something wrote over.  Nothing need have been freed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gdbext.cpython.allocator.debug_hooks import GUARD, UNINITIALISED, fill_of
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.code_owners import is_standard
from gdbext.diagnosis.expectations import is_object_pointer
from gdbext.diagnosis.rules.build import container_of, evidence_of, finding, name_of, subject_of
from gdbext.diagnosis.suspects import Suspect
from gdbext.model import Confidence, Evidence, Finding, Verdict
from gdbext.target.protocol import text_in_word

READ_FROM = {
    GUARD: "the guard bytes beside a block: it was read past the end of one",
    UNINITIALISED: "the fill of memory that nobody has written yet",
}
MEM_DOMAIN = "mem"
OPTIONAL = frozenset(
    {"kwnames", "kwargs", "kwds", "kw", "kwdict", "globals", "locals", "closure", "dict"}
)
"""Parameters that are NULL where a call has none."""
HEADER_REACH = 0x40
"""An access through NULL to an object's header, or to the first fields behind it."""


@dataclass(frozen=True)
class NoObject:
    """What a pointer leads to that is not, and was not, the object it is taken for."""

    what: str
    confidence: Confidence
    because: Evidence | None = None


def what_it_is(case: Case, suspect: Suspect) -> NoObject | None:
    """What the pointer is, or leads to; None where an object may have been there."""
    if case.session.heap.records.hooks and (fill := fill_of(suspect.address)) in READ_FROM:
        # Others may write such bytes, too.
        return NoObject(READ_FROM[fill], Confidence.LIKELY)
    what = _word(case, suspect.address) or _memory(case, suspect)
    return NoObject(what, Confidence.LIKELY) if what else _argument(case, suspect)


def _word(case: Case, address: int) -> str | None:
    """What a word says that is no address."""
    thread = case.session.runtime.by_tid(address)
    if thread is not None:
        return f"the identifier of LWP {thread.native_thread_id}, an object's ob_tid: it was read past the end of another block"
    text = text_in_word(address)
    if text and case.session.heap.judge(address).verdict is Verdict.UNMAPPED:
        return "text: something wrote over the pointer"
    return None


def _memory(case: Case, suspect: Suspect) -> str | None:
    """What memory in use it leads to that has no room for an object at that place."""
    block = suspect.liveness.block
    if (
        suspect.liveness.verdict not in (Verdict.REUSED, Verdict.INTERIOR)
        or block is None
        or _was_item(case)
    ):
        return None
    if block.domain == MEM_DOMAIN:
        # A page is for one kind of memory; it changes only when all of its blocks were free.
        return f"a {block.size}-byte block of PyMem_Malloc, where CPython puts no objects"
    around = case.session.heap.object_around(suspect.address)
    kind = case.session.objects.type_of(around) if around is not None else None
    if around is None or kind is None or case.session.heap.judge(around).verdict.is_dead:
        return None
    offset = suspect.address - around
    return (
        f"the text of the {kind.name} {around:#x}"
        if offset in _text_offsets(case, kind.name)
        else None
    )


def _text_offsets(case: Case, kind: str) -> Sequence[int]:
    """Where a str's or bytes' characters begin in it (Include/cpython/unicodeobject.h, bytesobject.h)."""
    layout = case.session.layout
    if kind == "str":
        return layout.size("PyASCIIObject"), layout.size("PyCompactUnicodeObject")
    return [layout.offset("PyBytesObject", "ob_sval")] if kind == "bytes" else ()


def _argument(case: Case, suspect: Suspect) -> NoObject | None:
    """An object of another type where only an extension's C types say what it should be: C casts whatever it is given."""
    if suspect.header_problems or not suspect.wrong_type or _was_item(case):
        return None
    modules = {f.level: f.module for f in case.native_frames}
    for use in (u for u in suspect.uses if u.expected):
        if (
            use.is_self
            or modules.get(use.level) == case.interpreter_module
            or is_standard(modules.get(use.level))
        ):
            return None
    because = (
        f"either its caller passed it so, and {suspect.innermost.function} does not check, "
        f"or it lives where a {suspect.expected} was freed"
    )
    return NoObject(
        f"a {suspect.actual_type}", Confidence.LIKELY, Evidence(because, None, suspect.address)
    )


def _was_item(case: Case) -> bool:
    """Whether a living object, whose own C function is at work, had the pointer and has it no more."""
    origin = case.origin
    return (
        origin is not None
        and not origin.current
        and origin.function is not None
        and (origin.shrank or not origin.is_container)
    )


def no_pointer(case: Case) -> Iterator[Finding]:
    """FT206: what the code takes for an object is no pointer, or leads to something else."""
    suspect = case.root
    found = what_it_is(case, suspect) if suspect else None
    if suspect is None or found is None:
        return
    use = next((u for u in suspect.uses if u.is_self), suspect.innermost)
    subject = subject_of(suspect)
    if suspect.liveness.verdict is Verdict.REUSED:
        # Nothing says that another object was there before.
        subject = replace(subject, liveness=case.session.heap.judge_block(suspect.address).verdict)
    yield finding(
        case,
        "FT206",
        f"what {case.operation_at(use.level)} takes for {name_of(suspect)} is {found.what}",
        found.confidence,
        subject,
        container_of(case.origin),
        [*([found.because] if found.because else ()), *evidence_of(case, suspect)],
    )


def null_object(case: Case) -> Iterator[Finding]:
    """FT205: the function at fault works on a NULL where an object has to be."""
    address, operand = case.fault.address, case.fault.operand
    if (
        not case.fault.is_fault
        or address is None
        or address >= HEADER_REACH
        or operand is None
        or operand.base_value != 0
    ):
        return
    end = next((n for n, f in enumerate(case.c_frames) if not f.frame.is_inlined), None)
    if end is None or (case.root is not None and case.root.is_gone):
        return
    for frame in case.c_frames[: end + 1]:
        null = next(
            (
                v
                for v in frame.variables
                if v.is_argument
                and v.value == 0
                and v.name not in OPTIONAL
                and is_object_pointer(v.type, case.session.layout)
            ),
            None,
        )
        if null is not None:
            function = case.c_frames[end].function
            evidence = [
                Evidence(
                    f"#{frame.frame.level} {frame.function}: {null.name} is NULL",
                    None,
                    0,
                    broken=True,
                )
            ]
            yield finding(
                case,
                "FT205",
                f"{function} uses NULL as an object",
                Confidence.LIKELY,
                evidence=evidence,
            )
            return


def is_no_object(case: Case, suspect: Suspect) -> bool:
    """Whether :func:`no_pointer` says what the suspect is, so that rules about freed objects must not."""
    return what_it_is(case, suspect) is not None
