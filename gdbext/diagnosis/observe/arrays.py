"""Finds arrays that a container's method still walks, and the container no longer owns."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.diagnosis.facts.frames import CFrame, CrashStack
from gdbext.diagnosis.facts.memory import OldArray
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.observe import containers
from gdbext.session import Session

ARRAY_TYPES = ("**", "char*", "double*", "Py_ssize_t*")


def find_old_array(
    session: Session, stack: CrashStack, pointers: Sequence[Pointer]
) -> OldArray | None:
    """The innermost frame's array whose block is dead by now, and its container's present one."""
    for frame in stack.c_frames:
        owner = next(
            (
                p
                for p in pointers
                if not p.is_bad and any(u.is_self for u in p.at_level(frame.level))
            ),
            None,
        )
        if owner is not None and owner.actual_type is not None:
            found = _old_array(session, frame, owner)
            if found is not None:
                return found
    return None


def _old_array(session: Session, frame: CFrame, owner: Pointer) -> OldArray | None:
    storage = containers.storage(session.objects, owner.address)
    if storage is None:
        return None
    for variable in frame.variables:
        if not variable.value or variable.is_address or not _is_array(variable.type):
            continue
        if storage.start <= variable.value <= storage.end:
            continue
        state = session.heap.judge_block(variable.value)
        if state.verdict.is_dead:
            return OldArray(
                level=frame.level,
                function=frame.frame.function,
                variable=variable.name,
                address=variable.value,
                liveness=state,
                owner=owner.address,
                pointer_address=storage.pointer_address,
                array=storage.start,
            )
    return None


def _is_array(dwarf_type: str) -> bool:
    return dwarf_type.replace(" ", "").endswith(ARRAY_TYPES)
