"""What a thread's Python code does to which objects: its frames' bytecode, and that of the
functions that this calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.cpython.interpreter.calls import (
    CALLS,
    Callee,
    callee,
    code_of,
    entered,
    run_by_c,
)
from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.cpython.interpreter.names import attribute, class_attribute, operand, resolve
from gdbext.cpython.interpreter.operations import BytecodeOperation, operation_at
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.facts.accesses import Access, Proximity
from gdbext.diagnosis.observe.access_types import type_name_of
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.observe.operands import (
    ADVANCES,
    Operand,
    attribute_by_name,
    operands,
    operands_of_callee,
)
from gdbext.diagnosis.observe.operations import (
    RUN,
    of_bytecode,
)
from gdbext.diagnosis.observe.pending import (
    PendingCall,
    pending_calls,
    stepped,
    suspended,
    suspended_in_loop,
)
from gdbext.frozen import dataclass
from gdbext.model import Operation
from gdbext.target.protocol import MemoryFault

MAX_PYTHON_FRAMES = 8
MAX_CALL_DEPTH = 2
MAX_DELEGATES = 4
AGAIN = (Proximity.LINE, Proximity.LOOP, Proximity.FUNCTION)
"""Where what an operation calls has been called before, or will be, and not by a frame of its own
now.
"""
Entered = int | tuple[int | None, int | None, tuple[int | None, ...], tuple[str | None, ...]]
"""A code object whose frame says what it does, or one that was gone into for a call, with the
call's owner, arguments and keywords.
"""
SYNCHRONISER = "threading.py"


def by_code_of(observer: Observer, lwp: int) -> Sequence[Access]:
    """The accesses by all operations of the frames' code, the innermost frame first."""
    if lwp not in observer.by_code:
        observer.by_code[lwp] = tuple(_by_code(observer, lwp))
    return observer.by_code[lwp]


def _by_code(observer: Observer, lwp: int) -> Iterator[Access]:
    stack = observer.session.python_stack(lwp)
    objects = observer.session.objects
    # The innermost frame of each group has called C code; the others have called the Python frame
    # before them.
    callers_of_c = {group[0].address for group in stack.groups if group}
    frames = stack.frames
    entered_already: set[Entered] = {frame.code for frame in frames}
    runs_once = _runs_once(observer, stack)
    outermost_loop = next(
        (i for i in reversed(range(len(frames))) if _is_looping(observer, frames[i])),
        -1,
    )
    if (started := _started(observer, lwp, stack)) is not None:
        yield from started
    for depth, frame in enumerate(frames[:MAX_PYTHON_FRAMES]):
        facts = observer.session.code_facts(frame.code)
        if facts is None or synchronises(observer, frame.file):
            continue
        again = depth < outermost_loop
        inner_frames = frames[:depth]
        at = _Place(observer, lwp, frame, observer.program.own_frame(lwp, frame) or frame, facts)
        if access := at.to_frame_object(depth == 0):
            yield access
        for bytecode in facts.operations:
            near = proximity(facts, frame, bytecode, depth == 0, again)
            if near is None or (
                runs_once
                and frame.lasti is not None
                and facts.is_to_come(bytecode.index, frame.lasti)
            ):
                continue
            passing_on = near is Proximity.AT and frame.address not in callers_of_c
            is_on_stack = _is_on_stack(facts, frame, bytecode, near, passing_on)
            target = callee(objects, frame, bytecode, is_on_stack)
            target = target or _delegated(observer, frame, bytecode)
            unshared = (
                _unshared(observer, lwp, frame, facts, bytecode) if near >= Proximity.LOOP else None
            )
            steps: list[Callee] = []
            for each in operands(objects, frame, bytecode, target, is_on_stack):
                is_over = each.address == unshared and each.is_own
                if access := at.access(each, Proximity.EARLIER if is_over else near, passing_on):
                    yield access
                if each.steps_by:
                    steps.append(each.steps_by)
            yield from _beyond(at, inner_frames, bytecode, near, target, steps, entered_already)
            if target and near <= Proximity.LOOP and (generator := stepped(objects, target)):
                for inner in suspended(observer, generator):
                    yield from _waiting(observer, lwp, inner, entered_already)
        for call in pending_calls(observer, lwp, frame, facts, depth == 0):
            yield from _pending(observer, lwp, call, at.own, entered_already)
        for inner in suspended_in_loop(observer, frame):
            yield from _waiting(observer, lwp, inner, entered_already)


def _beyond(
    at: _Place,
    inner: Sequence[Frame],
    bytecode: BytecodeOperation,
    near: Proximity,
    target: Callee | None,
    steps: Sequence[Callee],
    entered_already: set[Entered],
) -> Iterator[Access]:
    """What code does that the operation runs, and that the thread has no frame of now.

    ``inner`` are the thread's frames further in than this one, ``steps`` those of the operation's
    iterators that are written in Python.
    """
    observer, lwp, frame = at.observer, at.lwp, at.frame
    # A function that is called right now, and has no frame, is just begun or left; of one whose
    # frame has lost its arguments only the caller knows them.
    is_leaving = len(inner) == 1 and _has_lost_arguments(observer, inner[0])
    is_called = near in AGAIN or (near is Proximity.AT and (not inner or is_leaving))
    for step in steps if is_called else ():
        yield from _in_callee(observer, lwp, at.own, step, entered_already)
    if target and is_called:
        gone = {inner[0].code} if is_leaving else set()
        before = entered_already - gone if gone else entered_already
        yield from _in_callee(observer, lwp, at.own, target, before)
    is_at_libraries = near is Proximity.AT and all(
        observer.program.is_library(each.file) for each in inner
    )
    if at.is_own and (is_called or is_at_libraries) and not _is_programs(observer, target):
        for seen in _seen_in_same_call(observer, lwp, frame, bytecode):
            yield from _in_code(observer, lwp, frame, seen, entered_already)


def _has_lost_arguments(observer: Observer, frame: Frame) -> bool:
    """Whether the frame is being cleared, or holds an argument that is not an object now, as it may
    be where memory is damaged.
    """
    code = observer.session.frame_reader.code(frame.code)
    if code is None or code.argument_count is None:
        return frame.is_cleared
    taken = (*code.slot_names[: code.argument_count + code.keyword_only_count], *code.packs)
    values = [frame.slots[name] for name in taken if name in frame.slots]
    return frame.is_cleared or any(observer.session.objects.type_of(v) is None for v in values)


def _unshared(
    observer: Observer, lwp: int, frame: Frame, facts: CodeFacts, bytecode: BytecodeOperation
) -> int | None:
    """The object that the operation was done to before any other thread could have it: the code had
    made it, and handed it on later.

    What is written in Python may hand itself on, as a thread does that is started.
    """
    made = facts.made_for(bytecode, frame.lasti) if frame.lasti is not None else None
    name = bytecode.receiver
    if made is None or name is None or frame.generator_owned:
        return None
    objects = observer.session.objects
    address = resolve(objects, frame, name)
    maker = callee(objects, frame, made, False)
    info = objects.type_of(address) if address else None
    if maker is None or info is None or info.is_python_class or maker.function != info.address:
        return None
    is_variable_of_all = name[0] != "fast" and _is_named_elsewhere(observer, lwp, frame, name[1])
    return None if is_variable_of_all else address


def _is_named_elsewhere(observer: Observer, lwp: int, frame: Frame, name: str) -> bool:
    """Whether code that another thread runs reads the global variable."""
    names = {("global", name), ("name", name)}
    return any(
        facts is not None and not names.isdisjoint(facts.loads)
        for thread in observer.session.debugger.threads()
        if thread.lwp != lwp
        for other in observer.session.python_stack(thread.lwp).frames
        if other.globals == frame.globals
        for facts in [observer.session.code_facts(other.code)]
    )


def _is_looping(observer: Observer, frame: Frame) -> bool:
    """Whether a calling frame is in a loop: what it has called runs again and again."""
    facts = observer.session.code_facts(frame.code)
    return (
        facts is not None and frame.lasti is not None and facts.same_loop(frame.lasti, frame.lasti)
    )


def _pending(
    observer: Observer,
    lwp: int,
    call: PendingCall,
    own: Frame,
    entered_already: set[Entered],
) -> Iterator[Access]:
    """What a call does to which objects that the thread has before it; ``own`` is the program's
    frame for which a library's loop makes the call.
    """
    objects = observer.session.objects
    if (generator := stepped(objects, call.target)) is not None:
        for inner in suspended(observer, generator):
            yield from _waiting(observer, lwp, inner, entered_already)
        return
    # Each item may call the same function with other arguments.
    for inside in _in_callee(observer, lwp, call.frame, call.target, set(entered_already)):
        yield replace(inside, is_pending=True)
    facts = observer.session.code_facts(call.frame.code)
    if facts is None or call.target.is_python:
        return
    is_library = observer.program.is_library(call.frame.file)
    at = _Place(observer, lwp, call.frame, own if is_library else call.frame, facts)
    for each in operands_of_callee(objects, call.bytecode, call.target):
        if access := at.access(each, Proximity.FUNCTION, False):
            line, done = access.operation_line, each.operation
            yield replace(access, line=line, operation=done, frame=None, is_pending=True)


def _waiting(
    observer: Observer, lwp: int, frame: Frame, entered_already: set[Entered]
) -> Iterator[Access]:
    """What the code of a suspended frame does, which the thread will go on with."""
    facts = observer.session.code_facts(frame.code)
    if facts is None or observer.program.is_library(frame.file):
        return
    objects = observer.session.objects
    at = _Place(observer, lwp, frame, frame, facts)
    for bytecode in facts.operations:
        target = callee(objects, frame, bytecode, False)
        for each in operands(objects, frame, bytecode, target, False):
            if access := at.access(each, Proximity.FUNCTION, False):
                yield replace(access, is_pending=True)
        if target:
            for inside in _in_callee(observer, lwp, frame, target, set(entered_already)):
                yield replace(inside, is_pending=True)


@dataclass(frozen=True)
class _Place:
    """A frame, and the program's ``own`` frame that it works for."""

    observer: Observer
    lwp: int
    frame: Frame
    own: Frame
    facts: CodeFacts

    @property
    def is_own(self) -> bool:
        return self.own is self.frame

    def access(self, operand: Operand, near: Proximity, passing_on: bool) -> Access | None:
        """What an operation of the frame's code does to an object; None where that is not there."""
        type_name = type_name_of(self.observer, operand.address)
        if type_name is None:
            return None
        # A callback that the library was given does something else than the program's own line.
        is_handed_on = not self.is_own and not operand.is_given
        operation = current_operation(self.observer, self.own, False) if is_handed_on else None
        line = self.facts.line(operand.bytecode.index) if self.is_own else self.own.line
        return Access(
            lwp=self.lwp,
            address=operand.address,
            type=type_name,
            operation=operation or operand.operation,
            effect=operand.effect(type_name),
            proximity=near,
            file=self.own.file,
            line=self.own.line,
            operation_line=line,
            function=self.own.function,
            frame=self.own.address or None,
            is_passing_on=passing_on or operand.shows_elsewhere,
            is_guarded=operand.is_guarded(type_name),
            stores=operand.stores,
            place=operand.place,
            through=operand.through,
        )

    def to_frame_object(self, is_innermost: bool) -> Access | None:
        """Who runs a function changes its frame all the time, which Python code may
        have asked for.
        """
        address = _frame_object(self.observer, self.frame)
        if not address:
            return None
        return Access(
            lwp=self.lwp,
            address=address,
            type="frame",
            operation=RUN,
            effect=Effect.WRITE,
            proximity=Proximity.AT if is_innermost else Proximity.LOOP,
            file=self.own.file,
            line=self.own.line,
            operation_line=self.own.line,
            function=self.own.function,
            frame=self.own.address or None,
        )


def _runs_once(observer: Observer, stack: PythonStack) -> bool:
    """Whether the innermost function runs for the first time in its thread, as far as frames tell:
    no caller is in a loop, or is C code that may call it again, or is the function itself.
    """
    if len(stack.groups) != 1 or not stack.frames:
        return False
    if any(frame.generator_owned for frame in stack.frames):
        return False
    innermost, *callers = stack.frames
    facts = [observer.session.code_facts(frame.code) for frame in callers]
    return innermost.code not in {frame.code for frame in callers} and all(
        known is not None
        and caller.lasti is not None
        and not known.same_loop(caller.lasti, caller.lasti)
        for known, caller in zip(facts, callers)
    )


def _started(observer: Observer, lwp: int, stack: PythonStack) -> Sequence[Access] | None:
    """What a thread works on that was started with a function of C's: it has no Python code but
    threading's, which calls that.
    """
    if not stack.frames or not all(synchronises(observer, frame.file) for frame in stack.frames):
        return None
    frame = stack.frames[0]
    facts = observer.session.code_facts(frame.code)
    bytecode = operation_at(facts.operations, frame.lasti) if facts and frame.lasti else None
    objects = observer.session.objects
    target = callee(objects, frame, bytecode, True) if bytecode else None
    if facts is None or bytecode is None or target is None or target.name in (None, bytecode.name):
        return None
    at = _Place(observer, lwp, frame, frame, facts)
    found = (
        at.access(each, Proximity.AT, False)
        for each in operands_of_callee(objects, bytecode, target)
    )
    return [access for access in found if access is not None]


def _frame_object(observer: Observer, frame: Frame) -> int | None:
    """The frame as Python code sees it; None as long as none has asked for it."""
    try:
        place = frame.address + observer.session.layout.offset("_PyInterpreterFrame", "frame_obj")
        return int.from_bytes(observer.session.memory.read(place, 8), "little") or None
    except (MemoryFault, UnknownLayout):
        return None


def synchronises(observer: Observer, file: str) -> bool:
    """Whether the code is threading's: it guards what it works on by its own locks."""
    return observer.program.is_library(file) and os.path.basename(file) == SYNCHRONISER


def _in_callee(
    observer: Observer,
    lwp: int,
    caller: Frame,
    target: Callee,
    entered_already: set[Entered],
    depth: int = 0,
) -> Iterator[Access]:
    """What the functions do that the thread's loop calls again and again, though it is not in them
    right now.
    """
    objects = observer.session.objects
    target = run_by_c(objects, target) or target
    address = code_of(objects, target)
    entering = (address, target.owner, target.arguments, target.keywords)
    code = (
        observer.session.frame_reader.code(address)
        if address and entered_already.isdisjoint((address, entering))
        else None
    )
    if code is None or observer.program.is_library(code.file):
        return
    entered_already.add(entering)
    frame = entered(objects, target, code)
    yield from _in_code(observer, lwp, caller, frame, entered_already, depth)


def _in_code(
    observer: Observer,
    lwp: int,
    caller: Frame,
    frame: Frame,
    entered_already: set[Entered],
    depth: int = 0,
) -> Iterator[Access]:
    """What a function does that the thread is not in right now, given as its frame would be."""
    objects = observer.session.objects
    facts = observer.session.code_facts(frame.code)
    if facts is None:
        return
    at = _Place(observer, lwp, frame, frame, facts)
    for inner in facts.operations:
        further = callee(objects, frame, inner, False)
        for each in operands(objects, frame, inner, further, False):
            if access := at.access(each, Proximity.FUNCTION, False):
                is_near = caller.file == frame.file and caller.line is not None
                yield replace(
                    access,
                    line=caller.line if is_near else access.operation_line,
                    function=caller.function if is_near else access.function,
                    frame=(caller.address or None) if is_near else None,
                )
        if further and depth < MAX_CALL_DEPTH:
            yield from _in_callee(observer, lwp, frame, further, entered_already, depth + 1)


def _seen_in_same_call(
    observer: Observer, lwp: int, frame: Frame, bytecode: BytecodeOperation
) -> Iterator[Frame]:
    """The program's frames that the same call has led other threads to: the library's code or C's
    has called them, ``__deepcopy__`` of a shared graph say.

    It is the same call where the code has the same objects for all that it names.  Of the frames'
    locals those are left that are these objects; the others are the other thread's.
    """
    own = _all_named(observer, frame, bytecode)
    for other, number in observer.places.get((frame.code, bytecode.index), ()) if own else ():
        frames = observer.session.python_stack(other).frames
        if other == lwp or _all_named(observer, frames[number], bytecode) != own:
            continue
        within = (f for f in reversed(frames[:number]) if not observer.program.is_library(f.file))
        if (inner := next(within, None)) is not None:
            slots = {name: value for name, value in inner.slots.items() if value in own}
            yield replace(inner, address=0, line=None, lasti=None, slots=slots, stack=(), room=())


def _is_programs(observer: Observer, target: Callee | None) -> bool:
    """Whether the target is a function of the program's, whose own code says what it does."""
    address = code_of(observer.session.objects, target) if target else None
    code = observer.session.frame_reader.code(address) if address else None
    return code is not None and not observer.program.is_library(code.file)


def _all_named(observer: Observer, frame: Frame, bytecode: BytecodeOperation) -> list[int]:
    """The objects that the operation names, with 0 for a built-in function; none where one of them
    is not known.
    """
    objects = observer.session.objects
    names = (bytecode.receiver, *bytecode.arguments)
    found = [(name, resolve(objects, frame, name)) for name in names]
    is_known = all(address or (name and name[0] == "global") for name, address in found)
    return [address or 0 for _, address in found] if is_known else []


def _delegated(observer: Observer, frame: Frame, bytecode: BytecodeOperation) -> Callee | None:
    """The method of another object that a call means by its class's ``__getattr__``, if that hands
    on what it is asked for: ``getattr(self.target, name)``.
    """
    objects = observer.session.objects
    receiver = resolve(objects, frame, bytecode.receiver)
    if receiver is None or bytecode.kind != "call-method" or bytecode.name is None:
        return None
    owner = receiver
    for _ in range(MAX_DELEGATES):
        inner = _delegate(observer, owner, bytecode.name)
        if inner is None:
            break
        owner = inner
    if owner == receiver:
        return None
    return Callee(function=0, owner=owner, name=bytecode.name, kind="call-method", is_hidden=True)


def _delegate(observer: Observer, outer: int, name: str) -> int | None:
    """The object whose attribute an instance hands on as its own, by its class's ``__getattr__``;
    None where it has the attribute itself, or hands on nothing.
    """
    objects = observer.session.objects
    info = objects.type_of(outer)
    if info is None or not info.is_python_class or attribute(objects, outer, name) is not None:
        return None
    function = class_attribute(objects, info, "__getattr__")
    if function is None:
        return None
    hands_on = Callee(function=function, owner=outer, is_python=True)
    address = code_of(objects, hands_on)
    code = observer.session.frame_reader.code(address) if address else None
    facts = observer.session.code_facts(code.address) if code else None
    if code is None or facts is None:
        return None
    inner = entered(objects, hands_on, code)
    for operation in facts.operations:
        asked = operation.arguments
        if operation.name == "getattr" and len(asked) > 1 and asked[1] == ("fast", 1):
            return resolve(objects, inner, asked[0])
    return None


def _is_on_stack(
    facts: CodeFacts,
    frame: Frame,
    bytecode: BytecodeOperation,
    near: Proximity,
    is_passing_on: bool,
) -> bool:
    """Whether the operands lie on the frame's value stack now.

    A Python callee took its arguments with it.  The iterator of a loop stays there as long as the
    loop runs.
    """
    if bytecode.kind in ADVANCES:
        return frame.lasti is not None and facts.same_loop(bytecode.index, frame.lasti)
    return near is Proximity.AT and not is_passing_on


def proximity(
    facts: CodeFacts,
    frame: Frame,
    bytecode: BytecodeOperation,
    is_innermost: bool,
    runs_again: bool = False,
) -> Proximity | None:
    """How near the frame is to an operation of its code; None for what a calling frame may do after
    its call.

    ``runs_again``: a caller's loop has called the frame's function, and will do so again.
    """
    if frame.lasti is None:
        return Proximity.FUNCTION if is_innermost else Proximity.EARLIER
    if bytecode.index == frame.lasti:
        return Proximity.AT
    is_on_line = frame.line is not None and facts.line(bytecode.index) == frame.line
    # What stands on the line, but before the loop that it begins, is over in a later round.
    if is_innermost and is_on_line and not facts.is_before_loop(bytecode.index, frame.lasti):
        return Proximity.LINE
    if facts.same_loop(bytecode.index, frame.lasti):
        return Proximity.LOOP
    if is_innermost or runs_again:
        return Proximity.FUNCTION
    return Proximity.EARLIER if bytecode.index < frame.lasti else None


def current_operation(observer: Observer, frame: Frame, is_in_c: bool) -> Operation | None:
    """The operation that a frame is at, in Python's terms: a function of C's goes by its own name,
    whatever the code calls it.

    ``is_in_c`` says that it runs now, with its arguments on the frame's value stack.
    """
    facts = observer.session.code_facts(frame.code)
    bytecode = (
        operation_at(facts.operations, frame.lasti) if facts and frame.lasti is not None else None
    )
    if bytecode is None:
        return None
    target = (
        callee(observer.session.objects, frame, bytecode, is_in_c)
        if bytecode.kind in CALLS
        else None
    )
    if asked := attribute_by_name(observer.session.objects, frame, bytecode, target, is_in_c):
        return of_bytecode(asked)
    if target is not None and target.name is not None and not target.is_python:
        bytecode = replace(bytecode, kind=target.kind, name=target.name)
    return of_bytecode(bytecode)


def called_object(observer: Observer, frame: Frame) -> int | None:
    """The object that a frame calls now, be it a function or a wrapper of one: what that calls in
    its turn is not done to it.
    """
    facts = observer.session.code_facts(frame.code)
    bytecode = operation_at(facts.operations, frame.lasti) if facts and frame.lasti else None
    if bytecode is None or bytecode.kind != "call":
        return None
    return operand(observer.session.objects, frame, bytecode, bytecode.receiver, True)
