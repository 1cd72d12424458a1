"""Which objects each thread works on right now, and what it does to them.

A *touch* is one thread and one object, with the operation that the thread's Python code does to it and how near the
thread is to that: inside the C code that carries it out, at its instruction, on its line, in its loop.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gdbext.debuggers.base import MemoryFault, NativeFrame
from gdbext.interpreter.code_facts import CodeFacts
from gdbext.interpreter.frames import Frame
from gdbext.interpreter.names import resolve, subjects
from gdbext.interpreter.operations import Operation
from gdbext.model import Verdict
from gdbext.triage.case import EVAL_LOOP, Case
from gdbext.triage.effects import ADDING, Effect, effect_of
from gdbext.triage.expectations import canonical, is_object_pointer

MAX_C_FRAMES = 24
MAX_PYTHON_FRAMES = 8
# Bytecode's operations as a programmer names them; calls go by the callee's name.
WORDS = {
    "load-attr": "getattr",
    "store-attr": "setattr",
    "delete-attr": "delattr",
    "load-subscr": "getitem",
    "store-subscr": "setitem",
    "delete-subscr": "delitem",
    "binary-op": "",
}


class Near(enum.IntEnum):
    """How near a thread is to the operation, nearest first."""

    INSIDE = 0
    """C code that has the object as an argument is running for the operation."""
    AT = 1
    """A frame is at the operation's instruction."""
    LINE = 2
    """The innermost frame is on the operation's line."""
    LOOP = 3
    """The frame is in a loop that does the operation again and again."""
    FUNCTION = 4
    """The innermost frame's function does it elsewhere."""
    INTERNAL = 5
    """C code has the object as an argument, but no Python code names it: a part of something else."""
    EARLIER = 6
    """A calling frame has the operation before its call: it may have run, and is over.  No suspicion of its own."""


@dataclass(frozen=True)
class Touch:
    """``line`` is where the thread is now in the frame that does the operation, ``operation_line`` where that stands."""

    lwp: int
    address: int
    type: str
    operation: str
    effect: Effect
    near: Near
    file: str | None = None
    line: int | None = None
    operation_line: int | None = None
    function: str | None = None
    c_function: str | None = None
    is_passing_on: bool = False
    """The frame has only called a Python function with the object; what is done to it shows further in."""


def touches(case: Case, lwp: int) -> list[Touch]:
    """One touch for each object that the thread works on, the nearest first."""
    in_c = _in_c(case, lwp)
    by_object: dict[int, list[Touch]] = {}
    for touch in in_python(case, lwp):
        by_object.setdefault(touch.address, []).append(touch)
    found = [_merged(its, in_c.get(address)) for address, its in by_object.items()]
    found += [touch for address, touch in in_c.items() if address not in by_object]
    return sorted(found, key=lambda t: t.near)


def in_python(case: Case, lwp: int) -> Sequence[Touch]:
    """Touches by all operations of the frames' code, innermost frame first."""
    if lwp not in case.touched:
        case.touched[lwp] = tuple(_in_python(case, lwp))
    return case.touched[lwp]


def losses(case: Case, lwp: int, address: int) -> list[Touch]:
    """The operations of the thread's code by which a container may give up an item, the nearest first."""
    found = [t for t in in_python(case, lwp) if t.address == address and t.near is not Near.EARLIER and not t.is_passing_on]
    return sorted((t for t in found if t.effect.changes and t.operation not in ADDING), key=lambda t: (t.near, recency(t)))


def recency(touch: Touch) -> tuple[bool, int]:
    """Orders operations of one loop, the last one that ran first: backwards from the thread's line, then from the end."""
    line = touch.operation_line or 0
    return touch.line is None or line > touch.line, -line


def _merged(its: list[Touch], in_c: Touch | None) -> Touch:
    """Of several operations on one object the nearest, as the outermost frame words it that is at it.

    ``json.dumps(shared)`` calls an encoder that calls C: the user's line is the outermost, what is done shows further in.
    """
    acting = [t for t in its if not t.is_passing_on]
    if not acting:
        return dataclasses.replace(its[0], near=Near.FUNCTION, effect=Effect.READ)
    nearest = min(t.near for t in acting)
    best = [t for t in acting if t.near == nearest]
    if nearest is Near.AT:
        named = [t for t in its if t.near is Near.AT][-1]
        effect = next((t.effect for t in best if t.effect is not Effect.UNKNOWN), named.effect)
    else:
        named = max(best, key=lambda t: (t.effect.changes, t.effect is Effect.UNKNOWN))
        effect = named.effect
    near = Near.INSIDE if in_c and nearest <= Near.LINE else nearest
    return dataclasses.replace(named, effect=effect, near=near, c_function=in_c.c_function if in_c else None, is_passing_on=False)


def _in_python(case: Case, lwp: int) -> Iterator[Touch]:
    stack = case.python_stack(lwp)
    # The innermost frame of each group has called C code; the others have called the Python frame before them.
    callers_of_c = {group[0].address for group in stack.groups if group}
    for depth, frame in enumerate(stack.frames[:MAX_PYTHON_FRAMES]):
        facts = case.session.code_facts(frame.code)
        if facts is None:
            continue
        for operation in facts.operations:
            near = nearness(facts, frame, operation, depth == 0)
            if near is None:
                continue
            passing_on = near is Near.AT and frame.address not in callers_of_c
            for name in subjects(case.session.objects, frame, operation):
                address = resolve(case.session.objects, frame, name)
                kind = _type_name(case, address) if address else None
                if address is not None and kind is not None:
                    effect = effect_of(kind, operation)
                    word, line = describe(operation), facts.line(operation.index)
                    if operation.kind == "call" and name is operation.receiver:
                        word = "call"
                    yield Touch(
                        lwp, address, kind, word, effect, near, frame.file, frame.line, line, frame.function, None, passing_on
                    )


def nearness(facts: CodeFacts, frame: Frame, operation: Operation, is_innermost: bool) -> Near | None:
    """How near the frame is to an operation of its code; None for what a calling frame may do after its call."""
    if frame.lasti is None:
        return Near.FUNCTION if is_innermost else Near.EARLIER
    if operation.index == frame.lasti:
        return Near.AT
    if is_innermost and frame.line is not None and facts.line(operation.index) == frame.line:
        return Near.LINE
    if facts.same_loop(operation.index, frame.lasti):
        return Near.LOOP
    if is_innermost:
        return Near.FUNCTION
    return Near.EARLIER if operation.index < frame.lasti else None


def describe(operation: Operation) -> str:
    """The operation in a word or two: ``clear``, ``repr``, ``setattr x``, ``setitem``, ``next``, ``+=``."""
    if operation.kind in ("call-method", "call"):
        return operation.name or "call"
    word = WORDS.get(operation.kind, operation.kind)
    return f"{word} {operation.name}".strip() if operation.name else word


def _in_c(case: Case, lwp: int) -> dict[int, Touch]:
    """Objects that are arguments of the C functions within the innermost eval loop, by address."""
    frames = case.python_stack(lwp).frames
    current = frames[0] if frames else None
    found: dict[int, Touch] = {}
    for frame in _inner_frames(case, lwp):
        for variable in case.session.debugger.variables(lwp, frame.level):
            address = variable.value
            if (
                not variable.is_argument
                or not address
                or address in found
                or not is_object_pointer(variable.type, case.session.layout)
            ):
                continue
            kind = _type_name(case, address)
            if kind is None:
                continue
            operation = case.operation_name(frame, kind)
            file, line, function = (current.file, current.line, current.function) if current else (None, None, None)
            effect = effect_of(kind, None, operation)
            found[address] = Touch(lwp, address, kind, operation, effect, Near.INTERNAL, file, line, line, function, frame.function)
    return found


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
