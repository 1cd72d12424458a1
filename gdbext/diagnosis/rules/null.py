"""FT205: a fault on a NULL that a live object's field, a list's slot or an argument has."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.traits.types import types_with
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.code_owners import is_standard
from gdbext.diagnosis.expectations import is_object_pointer
from gdbext.diagnosis.fault import NULL_PAGE, frame_of_signal
from gdbext.diagnosis.origin import CONTAINERS, index_variable
from gdbext.diagnosis.rules import pointers
from gdbext.diagnosis.rules.build import container_of, evidence_of, finding, subject_of, weaker
from gdbext.diagnosis.suspects import Suspect
from gdbext.model import Claim, Confidence, Container, Evidence, Finding, Slot, index_of

RESIZABLE = types_with("resizable")
"""Types whose C struct starts with PyVarObject, whose items lie elsewhere, and whose size may change."""


def null_slot(case: Case) -> Iterator[Finding]:
    """FT205: the faulting access goes through a NULL that a live object's field, or an argument, has."""
    address = case.fault.address
    operand = case.fault.operand
    if (
        not case.fault.is_fault
        or address is None
        or address >= NULL_PAGE
        or case.fault.jumped_to is not None
    ):
        return
    if operand is None or operand.base_value is None or operand.base_value >= NULL_PAGE:
        return
    for suspect in case.suspects:
        # What a function has in a local alone it may be making just now.
        if suspect.is_gone or not any(
            case.same_call(0, u.level) and (u.is_argument or u.passed_on) for u in suspect.uses
        ):
            continue
        for broken in case.session.objects.invariants(suspect.address):
            if broken.value == 0 and broken.slot not in (None, "header", "ob_type"):
                yield _null_finding(case, suspect, broken.slot, broken.address)
                return
    yield from list(_null_item(case)) or pointers.null_object(case)


def _null_item(case: Case) -> Iterator[Finding]:
    """The faulting function walks a live list and has a NULL for an item: the slot was not filled yet, or no more."""
    frame = next((f for f in case.c_frames if not f.frame.is_inlined), None)
    if frame is None:
        return
    name, index = index_variable(frame)
    null = next(
        (
            v
            for v in frame.variables
            if v.value == 0 and not v.is_argument and is_object_pointer(v.type, case.session.layout)
        ),
        None,
    )
    walked = walked_at(case, frame.frame.level)
    if null is None or walked is None or index is None:
        return
    place, size = length(case, walked.address)
    yield finding(
        case,
        "FT205",
        f"item {index} of a {walked.actual_type} was NULL when {case.operation_at(frame.frame.level)} took it",
        weaker(Confidence.LIKELY, sure_of_null(case, walked)),
        subject_of(walked),
        Container(walked.address, walked.actual_type or "", index),
        [
            Evidence(
                f"#{frame.frame.level} {frame.function}: {null.name} is NULL, {name} is {index}",
                None,
                0,
                broken=True,
            ),
            Evidence(f"length of the {walked.actual_type} now", place, str(size)),
            *walked.liveness.evidence,
        ],
    )


def _null_finding(case: Case, suspect: Suspect, slot: Slot | None, address: int | None) -> Finding:
    container = container_of(case.origin) if suspect is case.root else None
    if suspect.actual_type in CONTAINERS:
        index = None if slot is None else index_of(slot)
        container = Container(suspect.address, suspect.actual_type or "", index)
    return finding(
        case,
        "FT205",
        Claim("null-in", slot=slot, type=suspect.actual_type or suspect.expected),
        sure_of_null(case, suspect),
        subject_of(suspect),
        container,
        [
            Evidence(Claim("null", slot=slot), address, 0, suspect.address, broken=True),
            *evidence_of(case, suspect),
        ],
    )


def sure_of_null(case: Case, suspect: Suspect) -> Confidence:
    """Proven where the type's own code, which works on its fields, hit a NULL; other code may have had a NULL of its own,
    and a function that was given one beside the object may have hit that."""
    uses = [u for u in suspect.uses if case.same_call(0, u.level)]
    was_given_one = any(_has_null_argument(case, u.level) for u in uses)
    if any(u.is_self and not _others_inside(case, u.level) for u in uses):
        return Confidence.LIKELY if was_given_one else Confidence.PROVEN
    module = case.native_frames[frame_of_signal(case.native_frames)].module
    own = module == case.interpreter_module or is_standard(module)
    likely = _reads_header(case) or (own and suspect.is_trusted_use)
    return Confidence.LIKELY if likely and not was_given_one else Confidence.POSSIBLE


def _others_inside(case: Case, level: int) -> bool:
    """Whether the code of another type, or of an extension, is at work further in: it may have a NULL of its own."""
    home = next((f.frame.module for f in case.c_frames if f.frame.level == level), None)
    inner = (f for f in case.c_frames if f.frame.level < level and not f.frame.is_inlined)
    return any(
        f.owner is not None or not (f.frame.module == home or is_standard(f.frame.module))
        for f in inner
    )


def _reads_header(case: Case) -> bool:
    """Whether the access is to an object's header, as that of an object at NULL: what else begins at NULL is not read so far in."""
    operand = case.fault.operand
    layout = case.session.layout.struct("PyObject")
    fields = {layout.offset(name) for name in ("ob_type", "ob_ref_local", "ob_ref_shared")}
    return operand is not None and operand.base_value == 0 and operand.displacement in fields


def _has_null_argument(case: Case, level: int) -> bool:
    """Whether the function of that frame was called with NULL for an object."""
    function = next((f for f in case.c_frames if f.frame.level == level), None)
    variables = function.variables if function else ()
    return any(
        v.is_argument and v.value == 0 and is_object_pointer(v.type, case.session.layout)
        for v in variables
    )


def walked_at(case: Case, level: int) -> Suspect | None:
    """The sound object of one of those types that the function of that frame was given."""
    given = (s for s in case.suspects for u in s.uses if u.level == level and u.is_argument)
    return next((s for s in given if s.actual_type in RESIZABLE and not s.is_bad), None)


def length(case: Case, address: int) -> tuple[int, int]:
    """Where a sized object has its length, and the length now."""
    place = address + case.session.layout.offset("PyVarObject", "ob_size")
    return place, int.from_bytes(case.session.memory.read(place, 8), "little")
