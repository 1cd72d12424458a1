"""FT203: a container whose storage was freed, replaced or shortened under the code that walks it."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis import containers
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.origin import index_variable
from gdbext.diagnosis.rules.build import container_of, finding, one_thread, subject_of, weaker
from gdbext.diagnosis.rules.null import length, sure_of_null, walked_at
from gdbext.model import Confidence, Evidence, Finding
from gdbext.target.protocol import NativeFrame

MAX_INNER = 6
MAX_OFFSET = 1 << 24
"""An access this near to NULL may be to an item of an array that is not there."""


def container_changed(case: Case) -> Iterator[Finding]:
    """FT203: the storage that a container's method works on has been freed, replaced, or become too short."""
    yield from _too_short(case)
    objects, heap = case.session.objects, case.session.heap
    for frame in case.c_frames:
        owner = next(
            (
                s
                for s in case.suspects
                for u in s.uses
                if u.level == frame.frame.level and u.is_self and not s.is_bad
            ),
            None,
        )
        if owner is None or owner.actual_type is None:
            continue
        storage = containers.storage(objects, owner.address)
        if storage is None:
            continue
        for variable in frame.variables:
            if variable.value is None or variable.is_address or not _is_array(variable.type):
                continue
            if storage.start <= variable.value <= storage.end or not variable.value:
                continue
            state = heap.judge_block(variable.value)
            if state.verdict.is_dead:
                yield finding(
                    case,
                    "FT203",
                    f"{frame.frame.function} walks an array that the {owner.actual_type} no longer owns",
                    weaker(state.confidence, Confidence.LIKELY),
                    subject_of(owner),
                    container_of(case.origin),
                    [
                        Evidence(
                            f"#{frame.frame.level} {frame.frame.function}: {variable.name} points to the old array",
                            None,
                            variable.value,
                        ),
                        Evidence(
                            f"the {owner.actual_type}'s array now",
                            storage.pointer_address,
                            storage.start,
                        ),
                        *one_thread(case),
                        *state.evidence,
                    ],
                )
                return


def _too_short(case: Case) -> Iterator[Finding]:
    """The faulting function has a live object with a size, and an index that is beyond it now."""
    fault = case.fault
    if not fault.is_fault or case.root is not None:
        return
    last: NativeFrame | None = None
    for frame in case.c_frames[:MAX_INNER]:
        # The access that goes too far is the function's own: it is at fault itself, or what is inlined into it.
        if not case.same_call(0, frame.frame.level) or (last is not None and not last.is_inlined):
            return
        last = frame.frame
        name, index = index_variable(frame)
        suspect = walked_at(case, frame.frame.level)
        if suspect is None:
            continue
        place, size = length(case, suspect.address)
        emptied = size == 0 and (fault.address or 0) < MAX_OFFSET and fault.jumped_to is None
        if (index is not None and size <= index) or (index is None and emptied):
            beyond = f"is at item {index}, the" if index is not None else "reads an item, but the"
            seen = (
                Evidence(f"#{frame.frame.level} {frame.function}: {name}", None, str(index))
                if index is not None
                else Evidence(
                    "the access is at an offset from NULL, where its items were", fault.address
                )
            )
            yield finding(
                case,
                "FT203",
                f"{case.operation_at(frame.frame.level)} {beyond} {suspect.actual_type} has {size} now",
                weaker(Confidence.LIKELY, sure_of_null(case, suspect)),
                subject_of(suspect),
                None,
                [
                    seen,
                    Evidence("ob_size now", place, str(size), suspect.address, broken=True),
                    *one_thread(case),
                    *suspect.liveness.evidence,
                ],
            )
            return


def _is_array(dwarf_type: str) -> bool:
    return dwarf_type.replace(" ", "").endswith(("**", "char*", "double*", "Py_ssize_t*"))
