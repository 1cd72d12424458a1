"""What a thread has before it: calls that lie in the queue that its loop takes its work from, and
the suspended generators and coroutines that it steps.

The workers of a pool (``concurrent.futures.thread._worker``), the threads of a program's own job
queue and an event loop (``asyncio.base_events``) all do work that is in no frame between two turns.
What waits there is what they do again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

from gdbext.cpython.interpreter.calls import CALLS, Callee, callee, code_of, entered
from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import resolve
from gdbext.cpython.interpreter.operations import BytecodeOperation, Name
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.methods import method_traits
from gdbext.cpython.traits.types import same_struct, traits_of
from gdbext.diagnosis.observe.c_variables import object_variables
from gdbext.diagnosis.observe.observer import Observer
from gdbext.frozen import dataclass
from gdbext.target.protocol import MemoryFault

MAX_WAITING = 48
MAX_LIBRARY_CALLS = 2
MAX_SUSPENDED = 64
KEEPS_ITEMS_IN = ("queue", "_queue")
"""Where ``queue.Queue`` and ``asyncio.Queue`` have their deque or list."""


@dataclass(frozen=True, kw_only=True)
class PendingCall:
    """A call that a thread will make in its loop, of something that waits for it now.

    ``frame`` has that as the value of its local variables; ``bytecode`` is the call in it.
    """

    frame: Frame
    bytecode: BytecodeOperation
    target: Callee


def pending_calls(
    observer: Observer, lwp: int, frame: Frame, facts: CodeFacts, is_innermost: bool
) -> Iterator[PendingCall]:
    """The calls of what lies in a queue that a loop of the frame takes its items from, or in a
    container that it walks, and of what the C code has at hand that takes one right now.

    What a function of the standard library only hands on is what that calls in its turn.
    """
    objects = observer.session.objects
    for taking in facts.operations:
        if not taking.binds or not _runs_again(facts, frame, taking):
            continue
        using = [op for op in facts.operations if _uses(op, taking, facts)]
        if not using:
            continue
        seen: set[tuple[int, int | None, str | None]] = set()
        taken: Iterable[int] = ()
        if is_innermost and taking.index == frame.lasti:
            taken = (v.value for _, v in object_variables(observer, lwp) if v.value)
        for item in chain(taken, waiting_in(objects, frame, taking)):
            bound = bound_to(objects, frame, taking.binds, item)
            for bytecode in using:
                target = callee(objects, bound, bytecode, False)
                for call in _inner(observer, bound, bytecode, target):
                    mark = (call.target.function, _first(call.target), call.target.name)
                    if mark not in seen:
                        seen.add(mark)
                        yield call


def suspended_in_loop(observer: Observer, frame: Frame) -> Iterator[Frame]:
    """The frames of the tasks that an event loop runs to their end, where the frame is the loop's:
    ``run_until_complete(future)``.
    """
    objects = observer.session.objects
    loop = frame.slots.get("self")
    if loop is None or objects.attribute(loop, "_ready") is None:
        return
    for value in frame.slots.values():
        info = objects.type_of(value)
        if info is not None and objects.is_a(info, "_asyncio.Task"):
            yield from suspended(observer, value)


def stepped(objects: Objects, target: Callee) -> int | None:
    """The generator, coroutine or task that a call resumes; None where it resumes none."""
    address = _first(target)
    info = objects.type_of(address) if address else None
    if info is None:
        return None
    if objects.is_a(info, "_asyncio.Task"):
        # A task's own step, or what wakes it up (Modules/_asynciomodule.c).
        return address if not target.is_python else None
    steps = method_traits(target.name).resumes or method_traits(target.name).consumes
    return address if steps and same_struct(info.name, "generator") else None


def suspended(observer: Observer, address: int) -> Iterator[Frame]:
    """The suspended frames that a step of a generator, coroutine or task resumes, the outermost
    first: it waits for the next one, and so on.
    """
    objects = observer.session.objects
    running = {
        frame.address
        for thread in observer.session.debugger.threads()
        for frame in observer.session.python_stack(thread.lwp).frames
    }
    waiting, seen = [address], set[int]()
    while waiting and len(seen) < MAX_SUSPENDED:
        awaited = waiting.pop(0)
        info = objects.type_of(awaited)
        if info is None or awaited in seen:
            continue
        seen.add(awaited)
        try:
            if not same_struct(info.name, "generator"):
                waiting += _awaited_by(objects, awaited)
                continue
            place = awaited + objects.layout.offset("PyGenObject", "gi_iframe")
        except (MemoryFault, UnknownLayout):
            continue
        frame = observer.session.frame_reader.frame_at(place)
        if frame is None or frame.address in running or not frame.generator_owned:
            continue
        yield frame
        waiting += frame.stack[-1:]


def _awaited_by(objects: Objects, address: int) -> Sequence[int]:
    """What a task, or what is made to wait for others, waits for."""
    info = objects.type_of(address)
    if info is None:
        return ()
    children = traits_of(info.name).awaits_in
    found = [r.target for r in objects.children(address) if r.slot in children]
    if objects.is_a(info, "_asyncio.Task"):
        found = [objects.field("TaskObj", address, "task_coro")]
    gathered = objects.attribute(address, "_children") if info.is_python_class else None
    # asyncio.gather's future.
    return [*found, *islice(_items(objects, gathered), MAX_WAITING)] if gathered else found


def _runs_again(facts: CodeFacts, frame: Frame, operation: BytecodeOperation) -> bool:
    """Whether the frame is in a loop that does the operation again."""
    return frame.lasti is not None and facts.same_loop(operation.index, frame.lasti)


def _uses(operation: BytecodeOperation, taking: BytecodeOperation, facts: CodeFacts) -> bool:
    """Whether a call of the same loop calls what was taken, or a method of it, or steps it."""
    if operation.kind not in CALLS or not facts.same_loop(operation.index, taking.index):
        return False
    slots = {("fast", slot) for slot in taking.binds}
    steps = method_traits(operation.name).resumes and operation.kind == "call"
    return operation.receiver in slots or (steps and not slots.isdisjoint(operation.arguments))


def waiting_in(objects: Objects, frame: Frame, taking: BytecodeOperation) -> Iterator[int]:
    """What lies in the container that an operation takes one item of."""
    holder = resolve(objects, frame, taking.receiver)
    if holder is None:
        return iter(())
    if taking.kind == "next":
        return islice(_items(objects, holder), MAX_WAITING)
    if taking.kind != "call-method" or not method_traits(taking.name).takes_item:
        return iter(())
    info = objects.type_of(holder)
    for name in KEEPS_ITEMS_IN if info is not None and info.is_python_class else ():
        holder = objects.attribute(holder, name) or holder
    return islice(_items(objects, holder), MAX_WAITING)


def _items(objects: Objects, holder: int) -> Iterator[int]:
    """The items of a queue, list, tuple or deque."""
    info = objects.type_of(holder)
    traits = traits_of(info.name) if info is not None else None
    if traits is None or not (traits.sequence or traits.queues):
        return
    for reference in objects.children(holder):
        if isinstance(reference.slot, int):
            yield reference.target


def bound_to(objects: Objects, frame: Frame, binds: Mapping[int, int | None], item: int) -> Frame:
    """The frame as if the item had just been taken."""
    slots = dict(frame.slots)
    for slot, index in binds.items():
        if slot >= len(frame.slot_names):
            continue
        parts = objects.tuple_items(item) if index is not None else ()
        value = item if index is None else parts[index] if index < len(parts) else 0
        slots[frame.slot_names[slot]] = value
    return replace(frame, slots={name: value for name, value in slots.items() if value})


def _inner(
    observer: Observer,
    frame: Frame,
    bytecode: BytecodeOperation,
    target: Callee | None,
    depth: int = 0,
) -> Iterator[PendingCall]:
    """The call, or the calls of a library's function that hand on what it was given."""
    objects = observer.session.objects
    address = code_of(objects, target) if target is not None else None
    code = observer.session.frame_reader.code(address) if address else None
    if target is None or (target.is_python and code is None):
        return
    if code is None or not observer.program.is_library(code.file):
        yield PendingCall(frame=frame, bytecode=bytecode, target=target)
        return
    facts = observer.session.code_facts(code.address) if depth < MAX_LIBRARY_CALLS else None
    inside = entered(objects, target, code)
    for operation in facts.operations if facts is not None else ():
        if operation.kind in CALLS and _is_given(operation.receiver, operation.arguments):
            further = callee(objects, inside, operation, False)
            yield from _inner(observer, inside, operation, further, depth + 1)


def _is_given(receiver: Name | None, arguments: Sequence[Name | None]) -> bool:
    """Whether a call is of what the function was given, or hands that on: an attribute of its
    first argument.
    """
    own = ("fast", 0)
    named = (receiver, *arguments)
    return any(name is not None and own in (name, *name[1:]) for name in named)


def _first(target: Callee) -> int | None:
    return target.owner if target.owner is not None else next(iter(target.arguments), None)
