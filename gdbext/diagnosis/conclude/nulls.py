"""How sure it is that a NULL in an object is what the process died of."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.diagnosis.conclude.code_owners import is_others, is_standard
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CFrame, CrashStack
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.types import RESIZABLE
from gdbext.model import Confidence


def sure_of_null(pointer: Pointer, fault: Fault, stack: CrashStack) -> Confidence:
    """Proven where the type's own code, which works on its fields, hit a NULL.

    Other code may have had a NULL of its own, and a function that was given one beside the object
    may have hit that, unless instructions say that it was read from the object, there or by the
    caller that passed it on.
    """
    uses = [u for u in pointer.uses if stack.same_call(0, u.level)]
    was_read = any(
        load.base == pointer.address and load.is_certain for load in fault.origin.loads[:1]
    )
    was_given_one = not was_read and any(_has_null_argument(stack.frame_at(u.level)) for u in uses)
    if any(u.is_self and not _others_inside(stack, u.level) for u in uses):
        return Confidence.LIKELY if was_given_one else Confidence.PROVEN
    if not was_read and _may_be_made(pointer, stack):
        return Confidence.POSSIBLE
    module = stack.from_fault[0].module
    is_own = module == stack.interpreter_module or is_standard(module)
    is_likely = was_read or fault.reads_header or (is_own and pointer.is_trusted)
    return Confidence.LIKELY if is_likely and not was_given_one else Confidence.POSSIBLE


def _may_be_made(pointer: Pointer, stack: CrashStack) -> bool:
    """Whether an extension's function, which passed on a NULL from anywhere, may be making the
    object: it has it from another function of an extension, and from no Python code.
    """
    outward = [f for f in stack.native_frames if not f.is_inlined and f.level >= pointer.own_level]
    is_outer = stack.faulting is not None and pointer.own_level > stack.faulting.level
    makers = [is_others(f.module, stack.interpreter_module) for f in outward[:2]]
    return is_outer and makers == [True, True]


def _others_inside(stack: CrashStack, level: int) -> bool:
    """Whether the code of another type, or of an extension, is at work further in.

    It may have a NULL of its own.
    """
    frame = stack.frame_at(level)
    home = frame.frame.module if frame else None
    inner = (f for f in stack.c_frames if f.level < level and not f.frame.is_inlined)
    return any(
        f.owner is not None or not (f.frame.module == home or is_standard(f.frame.module))
        for f in inner
    )


def _has_null_argument(frame: CFrame | None) -> bool:
    """Whether a function was called with NULL for an object."""
    variables = frame.variables if frame else ()
    return any(v.is_argument and v.value == 0 and v.is_object for v in variables)


def walked_at(pointers: Sequence[Pointer], level: int) -> Pointer | None:
    """The sound object whose items lie elsewhere that the function of that frame was given."""
    given = (p for p in pointers for u in p.at_level(level) if u.is_argument)
    return next((p for p in given if p.actual_type in RESIZABLE and not p.is_bad), None)
