"""Which objects each thread works on right now, and what it does to them.

A *touch* is one thread and one object, with the operation that the thread's Python code does to it and how near the
thread is to that: inside the C code that carries it out, at its instruction, on its line, in its loop.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gdbext.cpython.interpreter.calls import Callee, callee, code_of, entered
from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.operations import Operation, operation_at
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import method_traits
from gdbext.cpython.traits.types import canonical, traits_of
from gdbext.diagnosis.case import EVAL_LOOP, Case
from gdbext.diagnosis.effects import effect_of
from gdbext.diagnosis.expectations import is_object_pointer
from gdbext.diagnosis.works import describe, worked_on
from gdbext.model import Verdict
from gdbext.target.protocol import MemoryFault, NativeFrame, Variable

MAX_C_FRAMES = 24
MAX_PYTHON_FRAMES = 8
MAX_CALL_DEPTH = 2
CALL = "call"


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


# How near a thread is to an operation, and what that operation does, as factors of one weight.
NEARNESS = {
    Near.INSIDE: 4.0,
    Near.AT: 3.5,
    Near.LINE: 3.0,
    Near.LOOP: 2.0,
    Near.FUNCTION: 1.0,
    Near.INTERNAL: 1.2,
    Near.EARLIER: 0.0,
}
DAMAGE = {
    Effect.RESIZE: 1.0,
    Effect.REINIT: 1.0,
    Effect.WRITE: 0.9,
    Effect.UNKNOWN: 0.6,
    Effect.READ: 0.35,
}


@dataclass(frozen=True)
class Touch:
    """``line`` is where the thread is now in the frame that does the operation, ``operation_line`` where that stands.

    What the standard library's Python code does is told as the program's own line that called it.
    """

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
    is_guarded: bool = False
    """The operation takes the object's own lock, or cannot do harm without."""


def touches(case: Case, lwp: int) -> list[Touch]:
    """One touch for each object that the thread works on, the nearest first."""
    in_c = _in_c(case, lwp)
    by_object: dict[int, list[Touch]] = {}
    for touch in in_python(case, lwp):
        by_object.setdefault(touch.address, []).append(touch)
    found = [merged(its, in_c.get(address)) for address, its in by_object.items()]
    found += [touch for address, touch in in_c.items() if address not in by_object]
    return sorted(found, key=lambda t: t.near)


def in_python(case: Case, lwp: int) -> Sequence[Touch]:
    """Touches by all operations of the frames' code, innermost frame first."""
    if lwp not in case.touched:
        case.touched[lwp] = tuple(_in_python(case, lwp))
    return case.touched[lwp]


def losses(case: Case, lwp: int, address: int) -> list[Touch]:
    """The operations of the thread's code by which a container may give up an item, the nearest first."""
    found = [
        t
        for t in in_python(case, lwp)
        if t.address == address and t.near is not Near.EARLIER and not t.is_passing_on
    ]
    return sorted(
        (t for t in found if t.effect.changes and not method_traits(t.operation).keeps_items),
        key=lambda t: (t.near, recency(t)),
    )


def recency(touch: Touch) -> tuple[bool, int]:
    """Orders operations of one loop, the last one that ran first: backwards from the thread's line, then from the end."""
    line = touch.operation_line or 0
    return touch.line is None or line > touch.line, -line


def merged(its: list[Touch], in_c: Touch | None) -> Touch:
    """Of several operations on one object the nearest, or of those that are near enough to be running now the most harmful.

    Innermost frames come first: what a method of the program's own does to the object says more than its call.
    """
    acting = [t for t in its if not t.is_passing_on]
    if not acting and in_c:
        return dataclasses.replace(in_c, near=Near.INSIDE)
    if not acting:
        return dataclasses.replace(its[0], near=Near.FUNCTION, effect=Effect.READ)
    nearest = min(t.near for t in acting)
    if nearest <= Near.LINE:
        named = max((t for t in acting if t.near <= Near.LINE), key=weight)
    else:
        best = [t for t in acting if t.near == nearest]
        named = max(best, key=lambda t: (t.effect.changes, t.effect is Effect.UNKNOWN))
    near = Near.INSIDE if in_c and nearest <= Near.LINE else named.near
    # A computed call says nothing; the C function that it led to does.
    operation = in_c.operation if in_c and named.operation == CALL else named.operation
    return dataclasses.replace(
        named,
        operation=operation,
        near=near,
        c_function=in_c.c_function if in_c else None,
        is_passing_on=False,
    )


def weight(touch: Touch) -> float:
    """How much a touch counts towards a race."""
    return NEARNESS[touch.near] * DAMAGE[touch.effect]


def _in_python(case: Case, lwp: int) -> Iterator[Touch]:
    stack = case.python_stack(lwp)
    # The innermost frame of each group has called C code; the others have called the Python frame before them.
    callers_of_c = {group[0].address for group in stack.groups if group}
    entered_already = {frame.code for frame in stack.frames}
    for depth, frame in enumerate(stack.frames[:MAX_PYTHON_FRAMES]):
        facts = case.session.code_facts(frame.code)
        if facts is None or _synchronises(case, frame.file):
            continue
        own = case.own_frame(lwp, frame) or frame
        if seen := _frame_object(case, frame):
            # Who runs a function changes its frame all the time.
            how_near = Near.AT if depth == 0 else Near.LOOP
            yield Touch(
                lwp,
                seen,
                "frame",
                "run",
                Effect.WRITE,
                how_near,
                own.file,
                own.line,
                own.line,
                own.function,
            )
        for operation in facts.operations:
            near = nearness(facts, frame, operation, depth == 0)
            if near is None:
                continue
            passing_on = near is Near.AT and frame.address not in callers_of_c
            is_on_stack = _is_on_stack(facts, frame, operation, near, passing_on)
            target = callee(case.session.objects, frame, operation, is_on_stack)
            for work in worked_on(case.session.objects, frame, operation, target, is_on_stack):
                kind = _type_name(case, work.address)
                if kind is not None:
                    yield Touch(
                        lwp,
                        work.address,
                        kind,
                        work.word if own is frame else _current_word(case, own) or work.word,
                        work.effect(kind),
                        near,
                        own.file,
                        own.line,
                        facts.line(operation.index) if own is frame else own.line,
                        own.function,
                        None,
                        passing_on or work.shows_elsewhere,
                        work.is_guarded(kind),
                    )
            if target and near in (Near.LINE, Near.LOOP) and own is frame:
                yield from _in_callee(case, lwp, frame, operation, target, entered_already)


def _frame_object(case: Case, frame: Frame) -> int | None:
    """The frame as Python code sees it; None as long as none has asked for it."""
    try:
        place = frame.address + case.session.layout.offset("_PyInterpreterFrame", "frame_obj")
        return int.from_bytes(case.session.memory.read(place, 8), "little") or None
    except (MemoryFault, UnknownLayout):
        return None


def _synchronises(case: Case, file: str) -> bool:
    """Whether the code is threading's: it guards what it works on by its own locks."""
    return case.is_library(file) and os.path.basename(file) == "threading.py"


def _in_callee(
    case: Case,
    lwp: int,
    caller: Frame,
    operation: Operation,
    target: Callee,
    entered_already: set[int],
    depth: int = 0,
) -> Iterator[Touch]:
    """What the functions do that the thread's loop calls again and again, though it is not in them right now."""
    objects = case.session.objects
    address = code_of(objects, target)
    code = (
        case.session.frame_reader.code(address)
        if address and address not in entered_already
        else None
    )
    facts = (
        case.session.code_facts(code.address) if code and not case.is_library(code.file) else None
    )
    frame = entered(objects, caller, operation, target, code) if facts and code else None
    if facts is None or frame is None:
        return
    entered_already.add(facts.code.address)
    for inner in facts.operations:
        further = callee(objects, frame, inner, False)
        for work in worked_on(objects, frame, inner, further, False):
            kind = _type_name(case, work.address)
            if kind is not None:
                line = facts.line(inner.index)
                yield Touch(
                    lwp,
                    work.address,
                    kind,
                    work.word,
                    work.effect(kind),
                    Near.FUNCTION,
                    frame.file,
                    caller.line if caller.file == frame.file and caller.line is not None else line,
                    line,
                    frame.function,
                    None,
                    work.shows_elsewhere,
                    work.is_guarded(kind),
                )
        if further and depth < MAX_CALL_DEPTH:
            yield from _in_callee(case, lwp, frame, inner, further, entered_already, depth + 1)


def _is_on_stack(
    facts: CodeFacts, frame: Frame, operation: Operation, near: Near, is_passing_on: bool
) -> bool:
    """Whether the operands lie on the frame's value stack now.

    A Python callee took its arguments with it.  The iterator of a loop stays there as long as the loop runs.
    """
    if operation.kind == "next":
        return frame.lasti is not None and facts.same_loop(operation.index, frame.lasti)
    return near is Near.AT and not is_passing_on


def nearness(
    facts: CodeFacts, frame: Frame, operation: Operation, is_innermost: bool
) -> Near | None:
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


def _in_c(case: Case, lwp: int) -> dict[int, Touch]:
    """Objects that the C functions within the innermost eval loop work on, by address: arguments, then local variables."""
    frames = case.python_stack(lwp).frames
    current = (case.own_frame(lwp, frames[0]) or frames[0]) if frames else None
    file, line, function = (
        (current.file, current.line, current.function) if current else (None, None, None)
    )
    word = _current_word(case, current) if current else None
    found: dict[int, Touch] = {}
    for frame, variable in sorted(
        _object_variables(case, lwp), key=lambda found: not found[1].is_argument
    ):
        address = variable.value
        if address in found and word in (None, CALL):
            # Further out is the slot or method that all of it is for.
            doing = case.operation_name(frame, found[address].type)
            if doing != frame.function:
                found[address] = dataclasses.replace(found[address], operation=doing)
        kind = _type_name(case, address) if address and address not in found else None
        if address is None or kind is None:
            continue
        doing = case.operation_name(frame, kind)
        effect = effect_of(kind, None, doing)
        found[address] = Touch(
            lwp,
            address,
            kind,
            word if word and word != CALL else doing,
            effect,
            Near.INTERNAL,
            file,
            line,
            line,
            function,
            frame.function,
            False,
            is_guarded=traits_of(kind).locks_itself and doing.startswith(f"{kind}."),
        )
    return found


def _current_word(case: Case, frame: Frame) -> str | None:
    """The operation that a frame is at, in Python's terms."""
    facts = case.session.code_facts(frame.code)
    operation = (
        operation_at(facts.operations, frame.lasti) if facts and frame.lasti is not None else None
    )
    return describe(operation) if operation else None


def _object_variables(case: Case, lwp: int) -> Iterator[tuple[NativeFrame, Variable]]:
    for frame in _inner_frames(case, lwp):
        for variable in case.session.debugger.variables(lwp, frame.level):
            if is_object_pointer(variable.type, case.session.layout):
                yield frame, variable


def _inner_frames(case: Case, lwp: int) -> list[NativeFrame]:
    """The C frames of the innermost Python operation; an eval loop whose Python frame is lost, as a race in a generator may
    leave it, is passed through."""
    found = []
    lost = _lost_loops(case, lwp)
    for frame in case.session.debugger.frames(lwp, MAX_C_FRAMES):
        if (frame.function or "").startswith(EVAL_LOOP):
            if lost == 0:
                break
            lost -= 1
            continue
        found.append(frame)
    return found


def _lost_loops(case: Case, lwp: int) -> int:
    """How many of the thread's innermost eval loops have no Python frame."""
    groups = len(case.python_stack(lwp).groups)
    if groups and lwp != case.lwp:
        # Only the crashed thread's stack is known to its end.
        return 0
    loops = len(case.eval_levels) if lwp == case.lwp else 1
    return max(0, loops - groups)


def _type_name(case: Case, address: int) -> str | None:
    """The type of a credible, living object; None for everything else."""
    try:
        info = case.session.objects.type_of(address)
    except MemoryFault:
        return None
    if info is None or case.session.heap.judge(address).verdict in (
        Verdict.FREED,
        Verdict.UNMAPPED,
        Verdict.NULL,
    ):
        return None
    return canonical(info.name)
