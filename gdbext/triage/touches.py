"""Which objects each thread works on right now, and what it does to them.

A *touch* is one thread, one object, one operation, with how it is known: from the C function that the thread is in, or
from the Python operation that its frame is at.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from gdbext.debuggers.base import MemoryFault, NativeFrame
from gdbext.interpreter.frames import Frame
from gdbext.interpreter.line_table import line_of
from gdbext.interpreter.names import resolve
from gdbext.interpreter.operations import Name, Operation
from gdbext.model import Verdict
from gdbext.triage.case import EVAL_LOOP, Case
from gdbext.triage.effects import Effect, effect_of
from gdbext.triage.expectations import canonical, is_object_pointer

MAX_C_FRAMES = 24
MAX_PYTHON_FRAMES = 6


class How(enum.IntEnum):
    """How close the thread is to the operation, closest first."""

    IN_C = 0
    """It is inside the C function that carries it out."""
    CURRENT = 1
    """Its innermost Python frame is at the instruction."""
    SAME_FUNCTION = 2
    """The function that it is in has the operation on another line."""


@dataclass(frozen=True)
class Touch:
    """``line`` is where the thread is now, ``operation_line`` where the operation stands."""

    lwp: int
    address: int
    type: str
    operation: str
    effect: Effect
    how: How
    file: str | None = None
    line: int | None = None
    operation_line: int | None = None
    function: str | None = None
    c_function: str | None = None


def touches(case: Case, lwp: int) -> Iterator[Touch]:
    """All touches of one thread, the closest first."""
    frames = case.python_stack(lwp).frames
    current = frames[0] if frames else None
    python = [t for depth, frame in enumerate(frames[:MAX_PYTHON_FRAMES]) for t in _in_python(case, lwp, frame, depth)]
    yield from _in_c(case, lwp, current, python)
    yield from sorted(python, key=lambda t: t.how)


def _in_python(case: Case, lwp: int, frame: Frame, depth: int) -> Iterator[Touch]:
    """Touches by the operations of a frame's code: the one that it is at, and the others of the same function."""
    code = case.session.frame_reader.code(frame.code)
    for operation in case.session.operations(frame.code):
        is_current = operation.index == frame.lasti
        how = How.SAME_FUNCTION
        if is_current:
            how = How.CURRENT if depth == 0 else How.IN_C if _calls_c(case, lwp, depth) else How.SAME_FUNCTION
        for name in subjects(case, frame, operation):
            address = resolve(case.session.objects, frame, name)
            kind = _type_name(case, address) if address else None
            if address is None or kind is None:
                continue
            line = line_of(code.line_table, code.first_line, operation.index) if code else None
            effect = effect_of(kind, operation)
            yield Touch(lwp, address, kind, describe(operation), effect, how, frame.file, frame.line, line, frame.function)


WORDS = {
    "load-attr": "getattr",
    "store-attr": "setattr",
    "delete-attr": "delattr",
    "load-subscr": "getitem",
    "store-subscr": "setitem",
    "delete-subscr": "delitem",
    "binary-op": "",
    "compare": "compare",
}
MODULE = "module"


def describe(operation: Operation) -> str:
    """The operation in a word or two: ``clear``, ``repr``, ``setattr x``, ``setitem``, ``next``, ``+=``."""
    word = WORDS.get(operation.kind, operation.kind)
    if operation.kind in ("call-method", "call"):
        return operation.name or "call"
    return f"{word} {operation.name}".strip() if operation.name else word


def subjects(case: Case, frame: Frame, operation: Operation) -> list[Name | None]:
    """The names of the objects that an operation works on: a method's receiver; of a function its arguments."""
    if operation.kind == "call":
        return [operation.receiver, *operation.arguments]
    if operation.kind == "call-method":
        owner = resolve(case.session.objects, frame, operation.receiver)
        is_function = owner is not None and _type_name(case, owner) in (MODULE, "type")
        return list(operation.arguments) if is_function else [operation.receiver, *operation.arguments]
    if operation.kind == "extend":
        return [operation.receiver]
    return [operation.receiver]


def _calls_c(case: Case, lwp: int, depth: int) -> bool:
    """Whether the frame at this depth has called C code that called back into Python: it is inside that operation still."""
    groups = case.python_stack(lwp).groups
    position = 0
    for group in groups[:-1]:
        position += len(group)
        if depth == position:
            return True
    return False


def _in_c(case: Case, lwp: int, current: Frame | None, python: list[Touch]) -> Iterator[Touch]:
    """Touches by the C functions within the innermost eval loop.

    Where the current Python operation names the same object it says better what is being done.
    """
    named = {t.address: t for t in reversed(python) if t.how is How.CURRENT}
    seen: set[int] = set()
    for frame in _inner_frames(case, lwp):
        for variable in case.session.debugger.variables(lwp, frame.level):
            address = variable.value
            if (
                not variable.is_argument
                or not address
                or address in seen
                or not is_object_pointer(variable.type, case.session.layout)
            ):
                continue
            kind = _type_name(case, address)
            if kind is None:
                continue
            seen.add(address)
            known = named.get(address)
            operation = known.operation if known else case.operation_name(frame, kind)
            effect = known.effect if known else effect_of(kind, None, operation)
            file, line, function = (current.file, current.line, current.function) if current else (None, None, None)
            yield Touch(lwp, address, kind, operation, effect, How.IN_C, file, line, line, function, frame.function)


def _inner_frames(case: Case, lwp: int) -> list[NativeFrame]:
    found = []
    for frame in case.session.debugger.frames(lwp, MAX_C_FRAMES):
        if (frame.function or "").startswith(EVAL_LOOP):
            break
        found.append(frame)
    return found


def _type_name(case: Case, address: int) -> str | None:
    """The type of a credible, living object; None for everything else."""
    try:
        info = case.session.objects.type_of(address)
    except MemoryFault:
        return None
    if info is None or case.session.heap.judge(address).verdict in (Verdict.FREED, Verdict.UNMAPPED, Verdict.NULL):
        return None
    return canonical(info.name)


__all__ = ["How", "Operation", "Touch", "touches"]
