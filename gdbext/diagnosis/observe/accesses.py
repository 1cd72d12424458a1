"""Which objects each thread works on right now, and what it does to them: read from frames,
bytecode and C variables.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from gdbext.cpython.interpreter.calls import Callee, callee, code_of, entered
from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import class_attribute, resolve
from gdbext.cpython.interpreter.operations import BytecodeOperation, operation_at
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import canonical, traits_of
from gdbext.diagnosis.conclude.accesses import merged
from gdbext.diagnosis.conclude.allocator import is_mimalloc
from gdbext.diagnosis.conclude.c_types import pointed_struct
from gdbext.diagnosis.conclude.effects import effect_in_c
from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.conclude.races import culprits as culprits_of
from gdbext.diagnosis.conclude.shared_items import may_be_taken
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.facts.eval_loop import eval_levels, is_entry
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.provenance import Provenance
from gdbext.diagnosis.observe.c_types import HEADERS, is_object_pointer
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.observe.operands import Operand, operands
from gdbext.diagnosis.observe.operations import (
    CALL,
    RUN,
    of_bytecode,
    of_c_function,
)
from gdbext.frozen import dataclass
from gdbext.model import Finding, Operation, OperationKind, Verdict
from gdbext.target.protocol import MemoryFault, NativeFrame, Variable

MAX_THREADS = 64
MAX_C_FRAMES = 24
MAX_PYTHON_FRAMES = 8
MAX_CALL_DEPTH = 2
MAX_FIELDS = 4096
MAX_BASES = 8
SYNCHRONISER = "threading.py"
UNOWNED = frozenset({"type", "module", "function"})
"""What C code works on wherever it does anything."""


def read_accesses(
    observer: Observer, findings: Sequence[Finding], provenance: Provenance | None
) -> Accesses:
    """What all threads that run Python work on; more is read of the objects that the findings
    blame.
    """
    culprits = culprits_of(findings).keys()
    about = {place.address for f in findings for place in (f.subject, f.container) if place}
    lwps = [
        t.lwp for t in observer.session.debugger.threads() if observer.session.runtime.by_lwp(t.lwp)
    ]
    if observer.stack.lwp in lwps[MAX_THREADS:]:
        lwps.insert(0, observer.stack.lwp)
    threads = tuple(_of_thread(observer, lwp) for lwp in lwps[:MAX_THREADS])
    addresses = {a.address for thread in threads for a in (*thread.nearest, *thread.by_code)}
    return Accesses(
        crashed=observer.stack.lwp,
        threads=threads,
        failing_type=_failing_type(observer.stack),
        origin_operation=of_crashed_frame(observer.stack, provenance.level) if provenance else None,
        bases={address: tuple(_bases(observer, address)) for address in addresses | about},
        contents=_contents(observer, threads),
        owners={culprit: _owners(observer, threads, culprit) for culprit in culprits},
        sources=_sources(observer, threads, culprits),
    )


def _of_thread(observer: Observer, lwp: int) -> ThreadAccesses:
    current = observer.program.current_frame(lwp)
    own = (observer.program.own_frame(lwp, current) or current) if current else None
    by_code = by_code_of(observer, lwp)
    return ThreadAccesses(
        lwp=lwp,
        name=observer.session.thread_name(lwp),
        file=own.file if own else None,
        line=own.line if own else None,
        function=own.function if own else None,
        frame=own.address if own else None,
        path=_path(observer, lwp),
        work=_work(observer, lwp),
        nearest=tuple(_nearest(by_code, _in_c(observer, lwp))),
        by_code=tuple(by_code),
    )


def _path(observer: Observer, lwp: int) -> tuple[tuple[str, str], ...]:
    frames = observer.session.python_stack(lwp).frames
    own = (f for f in frames if not observer.program.is_library(f.file))
    return tuple(dict.fromkeys((f.file, f.function) for f in own))


def _work(observer: Observer, lwp: int) -> tuple[str, str] | None:
    """The function that the thread was started with: the one that threading's own code called."""
    frames = observer.session.python_stack(lwp).frames
    started = [f for f in reversed(frames) if not _synchronises(observer, f.file)]
    if not started or started[0] is frames[-1]:
        return None
    return started[0].file, started[0].function


def by_code_of(observer: Observer, lwp: int) -> Sequence[Access]:
    """The accesses by all operations of the frames' code, the innermost frame first."""
    if lwp not in observer.by_code:
        observer.by_code[lwp] = tuple(_by_code(observer, lwp))
    return observer.by_code[lwp]


def initialised_by_others(observer: Observer, address: int) -> bool:
    """Whether another thread's code calls the object's ``__init__``."""
    others = (t.lwp for t in observer.session.debugger.threads() if t.lwp != observer.stack.lwp)
    return any(
        a.address == address and a.effect is Effect.REINIT
        for lwp in others
        for a in by_code_of(observer, lwp)
    )


def _nearest(by_code: Iterable[Access], in_c: dict[int, Access]) -> list[Access]:
    """One access for each object that the thread works on, the nearest first."""
    by_object: dict[int, list[Access]] = {}
    for access in by_code:
        by_object.setdefault(access.address, []).append(access)
    nearest = [merged(each, in_c.get(address)) for address, each in by_object.items()]
    nearest += [access for address, access in in_c.items() if address not in by_object]
    return sorted(nearest, key=lambda access: access.proximity)


# --- Python code ----------------------------------------------------------------------------------


def _by_code(observer: Observer, lwp: int) -> Iterator[Access]:
    stack = observer.session.python_stack(lwp)
    # The innermost frame of each group has called C code; the others have called the Python frame
    # before them.
    callers_of_c = {group[0].address for group in stack.groups if group}
    entered_already = {frame.code for frame in stack.frames}
    for depth, frame in enumerate(stack.frames[:MAX_PYTHON_FRAMES]):
        facts = observer.session.code_facts(frame.code)
        if facts is None or _synchronises(observer, frame.file):
            continue
        at = _Place(observer, lwp, frame, observer.program.own_frame(lwp, frame) or frame, facts)
        if access := at.to_frame_object(depth == 0):
            yield access
        for bytecode in facts.operations:
            near = proximity(facts, frame, bytecode, depth == 0)
            if near is None:
                continue
            passing_on = near is Proximity.AT and frame.address not in callers_of_c
            is_on_stack = _is_on_stack(facts, frame, bytecode, near, passing_on)
            target = callee(observer.session.objects, frame, bytecode, is_on_stack)
            target = target or _delegated(observer, frame, bytecode)
            for each in operands(observer.session.objects, frame, bytecode, target, is_on_stack):
                if access := at.access(each, near, passing_on):
                    yield access
            if target and near in (Proximity.LINE, Proximity.LOOP) and at.is_own:
                yield from _in_callee(observer, lwp, frame, target, entered_already)


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
        type_name = _type_name(self.observer, operand.address)
        if type_name is None:
            return None
        operation = None if self.is_own else _current_operation(self.observer, self.own)
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


def _frame_object(observer: Observer, frame: Frame) -> int | None:
    """The frame as Python code sees it; None as long as none has asked for it."""
    try:
        place = frame.address + observer.session.layout.offset("_PyInterpreterFrame", "frame_obj")
        return int.from_bytes(observer.session.memory.read(place, 8), "little") or None
    except (MemoryFault, UnknownLayout):
        return None


def _synchronises(observer: Observer, file: str) -> bool:
    """Whether the code is threading's: it guards what it works on by its own locks."""
    return observer.program.is_library(file) and os.path.basename(file) == SYNCHRONISER


def _in_callee(
    observer: Observer,
    lwp: int,
    caller: Frame,
    target: Callee,
    entered_already: set[int],
    depth: int = 0,
) -> Iterator[Access]:
    """What the functions do that the thread's loop calls again and again, though it is not in them
    right now.
    """
    objects = observer.session.objects
    address = code_of(objects, target)
    code = (
        observer.session.frame_reader.code(address)
        if address and address not in entered_already
        else None
    )
    facts = (
        observer.session.code_facts(code.address)
        if code and not observer.program.is_library(code.file)
        else None
    )
    frame = entered(objects, target, code) if facts and code else None
    if facts is None or frame is None:
        return
    entered_already.add(facts.code.address)
    at = _Place(observer, lwp, frame, frame, facts)
    for inner in facts.operations:
        further = callee(objects, frame, inner, False)
        for each in operands(objects, frame, inner, further, False):
            if access := at.access(each, Proximity.FUNCTION, False):
                is_near = caller.file == frame.file and caller.line is not None
                yield replace(
                    access,
                    line=caller.line if is_near else access.operation_line,
                    frame=(caller.address or None) if is_near else None,
                )
        if further and depth < MAX_CALL_DEPTH:
            yield from _in_callee(observer, lwp, frame, further, entered_already, depth + 1)


def _delegated(observer: Observer, frame: Frame, bytecode: BytecodeOperation) -> Callee | None:
    """The method of another object that a call means by its class's ``__getattr__``, if that hands
    on what it is asked for: ``getattr(self.target, name)``.
    """
    objects = observer.session.objects
    receiver = resolve(objects, frame, bytecode.receiver)
    info = objects.type_of(receiver) if receiver else None
    if receiver is None or info is None or bytecode.kind != "call-method":
        return None
    function = class_attribute(objects, info, "__getattr__") if info.is_python_class else None
    if function is None or objects.attribute(receiver, bytecode.name or "") is not None:
        return None
    hands_on = Callee(function=function, owner=receiver, is_python=True)
    address = code_of(objects, hands_on)
    code = observer.session.frame_reader.code(address) if address else None
    facts = observer.session.code_facts(code.address) if code else None
    if code is None or facts is None:
        return None
    inner = entered(objects, hands_on, code)
    for operation in facts.operations:
        asked = operation.arguments
        if operation.name == "getattr" and len(asked) > 1 and asked[1] == ("fast", 1):
            owner = resolve(objects, inner, asked[0])
            if owner is not None:
                return Callee(
                    function=0,
                    owner=owner,
                    name=bytecode.name,
                    kind="call-method",
                    is_hidden=True,
                )
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
    if bytecode.kind == "next":
        return frame.lasti is not None and facts.same_loop(bytecode.index, frame.lasti)
    return near is Proximity.AT and not is_passing_on


def proximity(
    facts: CodeFacts, frame: Frame, bytecode: BytecodeOperation, is_innermost: bool
) -> Proximity | None:
    """How near the frame is to an operation of its code; None for what a calling frame may do after
    its call.
    """
    if frame.lasti is None:
        return Proximity.FUNCTION if is_innermost else Proximity.EARLIER
    if bytecode.index == frame.lasti:
        return Proximity.AT
    if is_innermost and frame.line is not None and facts.line(bytecode.index) == frame.line:
        return Proximity.LINE
    if facts.same_loop(bytecode.index, frame.lasti):
        return Proximity.LOOP
    if is_innermost:
        return Proximity.FUNCTION
    return Proximity.EARLIER if bytecode.index < frame.lasti else None


def _current_operation(observer: Observer, frame: Frame) -> Operation | None:
    """The operation that a frame is at, in Python's terms."""
    facts = observer.session.code_facts(frame.code)
    bytecode = (
        operation_at(facts.operations, frame.lasti) if facts and frame.lasti is not None else None
    )
    return of_bytecode(bytecode) if bytecode else None


# --- C code ---------------------------------------------------------------------------------------


def _in_c(observer: Observer, lwp: int) -> dict[int, Access]:
    """Objects that the C functions within the innermost eval loop work on, by address: arguments,
    then local variables.
    """
    groups = observer.session.python_stack(lwp).groups[_resumed_loops(observer, lwp) :]
    frame_at_work = next((group[0] for group in groups if group), None)
    current = (
        (observer.program.own_frame(lwp, frame_at_work) or frame_at_work) if frame_at_work else None
    )
    asked = _current_operation(observer, current) if current else None
    in_c: dict[int, Access] = {}
    for frame, variable in sorted(
        _object_variables(observer, lwp), key=lambda pair: not pair[1].is_argument
    ):
        address = variable.value
        if address in in_c and asked in (None, CALL):
            # Further out is the slot or method that all of it is for.
            outer = of_c_function(
                observer.functions, observer.stack, frame, tuple(_bases(observer, address))
            )
            if outer.kind is not OperationKind.C_FUNCTION:
                in_c[address] = replace(in_c[address], operation=outer)
        type_name = _type_name(observer, address) if address and address not in in_c else None
        if address is None or type_name is None:
            continue
        families = tuple(_bases(observer, address))
        operation = of_c_function(observer.functions, observer.stack, frame, families)
        is_own = variable.is_argument and _is_own(operation, variable, families)
        in_c[address] = Access(
            lwp=lwp,
            address=address,
            type=type_name,
            operation=asked if asked and asked != CALL else operation,
            effect=effect_in_c(type_name, operation),
            proximity=Proximity.INSIDE if is_own else Proximity.INTERNAL,
            file=current.file if current else None,
            line=current.line if current else None,
            operation_line=current.line if current else None,
            function=current.function if current else None,
            frame=current.address if current else None,
            c_function=frame.function,
            own_level=frame.level if is_own else None,
            is_guarded=_takes_lock(operation, type_name),
            is_private=_is_private(observer, lwp, address),
        )
    return in_c


def _is_own(operation: Operation, variable: Variable, families: Sequence[str]) -> bool:
    """Whether a C function is there for objects of the type of the one that it has as an argument.

    It is if it stands in the type's tables, or declares the argument as the type's own struct.
    What all code uses, dicts say, is an argument of functions that are there for something else.
    """
    if traits_of(families[0]).common or not UNOWNED.isdisjoint(families):
        return False
    is_of_type = operation.kind is not OperationKind.C_FUNCTION
    return is_of_type or pointed_struct(variable.type) not in HEADERS


def _is_private(observer: Observer, lwp: int, address: int) -> bool:
    """Whether the thread owns an object to which nobody else has a reference.

    A name by which other code could reach it would hold a second one while C code works on it.
    """
    state = observer.session.runtime.by_lwp(lwp)
    try:
        header = observer.session.objects.header(address)
    except MemoryFault:
        return False
    is_owner = state is not None and header.ob_tid == state.thread_id
    count = header.refcount
    return is_owner and header.ref_shared == 0 and count is not None and count <= 1


def _takes_lock(operation: Operation, type_name: str) -> bool:
    """Whether C code is a method of a type that locks itself; slots do not all."""
    is_own = operation.type == type_name and traits_of(type_name).locks_itself
    return is_own and (operation.kind is not OperationKind.SLOT or operation.slot == "tp_init")


def _object_variables(observer: Observer, lwp: int) -> Iterator[tuple[NativeFrame, Variable]]:
    for frame in _inner_frames(observer, lwp):
        for variable in observer.session.debugger.variables(lwp, frame.level):
            if is_object_pointer(variable.type, observer.session.layout):
                yield frame, variable


def _inner_frames(observer: Observer, lwp: int) -> list[NativeFrame]:
    """The C frames of the innermost Python operation.

    An eval loop whose Python frame is lost, as a race in a generator may leave it, is passed
    through.
    """
    inner = []
    passed = _lost_loops(observer, lwp) + _resumed_loops(observer, lwp)
    frames = observer.session.debugger.frames(lwp, MAX_C_FRAMES)
    loops = eval_levels(frames, observer.stack.is_tail_calling)
    for frame in frames:
        if frame.level in loops:
            if passed == 0:
                break
            passed -= is_entry(frame)
            continue
        inner.append(frame)
    return inner


def _resumed_loops(observer: Observer, lwp: int) -> int:
    """1 where the thread is in a generator's bytecode, and in no C code that this has called: what
    resumed the generator is at work as well.
    """
    groups = observer.session.python_stack(lwp).groups
    if len(groups) < 2 or not groups[0] or not groups[0][0].generator_owned:
        return 0
    frames = observer.session.debugger.frames(lwp, MAX_C_FRAMES)
    outermost = next((frame for frame in frames if not frame.is_inlined), None)
    is_loop = outermost is not None and outermost.level in eval_levels(
        frames, observer.stack.is_tail_calling
    )
    return int(is_loop)


def _lost_loops(observer: Observer, lwp: int) -> int:
    """How many of the thread's innermost eval loops have no Python frame."""
    groups = len(observer.session.python_stack(lwp).groups)
    if groups and lwp != observer.stack.lwp:
        # Only the crashed thread's stack is known to its end.
        return 0
    loops = sum(map(is_entry, observer.stack.native_frames)) if lwp == observer.stack.lwp else 1
    return max(0, loops - groups)


def _failing_type(stack: CrashStack) -> str | None:
    """The type whose slot or method the crashed thread was in, innermost; None where it died in the
    allocator, of old damage.
    """
    for frame in stack.c_frames:
        if not stack.same_call(0, frame.frame.level) or is_mimalloc(frame.function):
            return None
        if frame.owner is not None:
            return frame.owner.type_name
    return None


# --- objects --------------------------------------------------------------------------------------


def _type_name(observer: Observer, address: int) -> str | None:
    """The type of a credible, living object; None for everything else."""
    try:
        info = observer.session.objects.type_of(address)
    except MemoryFault:
        return None
    if info is None or observer.session.heap.judge(address).verdict in (
        Verdict.FREED,
        Verdict.UNMAPPED,
        Verdict.NULL,
    ):
        return None
    return canonical(info.name)


def _bases(observer: Observer, address: int) -> Iterator[str]:
    """The names of an object's type and of its base types."""
    info = observer.session.objects.type_of(address)
    for _ in range(MAX_BASES):
        if info is None:
            return
        yield canonical(info.name) or info.name
        info = observer.session.objects.type_info(info.base) if info.base else None


def _contents(observer: Observer, threads: Sequence[ThreadAccesses]) -> dict[int, Set[int]]:
    """What the containers, and the instances of classes written in Python, hold that the crashed
    thread's loops use.
    """
    contents: dict[int, Set[int]] = {}
    crashed = [thread for thread in threads if thread.lwp == observer.stack.lwp]
    if not any(may_be_taken(access) for thread in crashed for access in thread.nearest):
        return contents
    for access in (access for thread in crashed for access in thread.by_code):
        if access.proximity > Proximity.LOOP or access.address in contents:
            continue
        info = observer.session.objects.type_of(access.address)
        if traits_of(access.type).container or (info is not None and info.is_python_class):
            contents[access.address] = _targets(observer, access.address)
    return contents


def _targets(observer: Observer, holder: int) -> Set[int]:
    try:
        return frozenset(r.target for r in observer.session.objects.children(holder))
    except MemoryFault:
        return frozenset()


def _owners(observer: Observer, threads: Sequence[ThreadAccesses], part: int) -> Set[int]:
    """The objects at hand that have a pointer to ``part`` among their own fields.

    What a container holds is not a part of it.
    """
    return frozenset(
        address
        for address in {a.address for thread in threads for a in thread.nearest}
        if part in _fields(observer, address)
    )


def _fields(observer: Observer, address: int) -> Sequence[int]:
    """The words of an object's own struct."""
    info = observer.session.objects.type_of(address)
    if info is None:
        return ()
    try:
        size = min(info.basicsize or 0, MAX_FIELDS) & ~7
        return memoryview(observer.session.memory.read(address, size)).cast("Q")
    except MemoryFault:
        return ()


def _sources(
    observer: Observer, threads: Sequence[ThreadAccesses], culprits: Set[int]
) -> dict[tuple[str, int], str]:
    """The text of the lines that may have changed a culprit."""
    lines = {
        (access.file, access.operation_line)
        for thread in threads
        for access in (*thread.nearest, *thread.by_code)
        if access.address in culprits and access.effect is not Effect.READ
    }
    sources = {}
    for file, line in lines:
        if file is not None and line is not None:
            text = next(
                (t.strip() for _, t in observer.session.debugger.source(file, line, 0)), None
            )
            if text is not None:
                sources[file, line] = text
    return sources
