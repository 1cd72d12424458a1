"""``ft blame TYPE``: records who frees the objects of a type, or empties them, until the process
dies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, Protocol, cast

from gdbext.binfmt.x86.detours import FIRST, IN_ARRAY, SECOND, NotedCall, Offsets
from gdbext.commands.command import Arguments, Command, Context, UsageError
from gdbext.commands.progress import counter, finished
from gdbext.commands.seen_calls import (
    AddressAtDeath,
    Joined,
    SeenCall,
    WatchedFunction,
    joined,
)
from gdbext.cpython.interpreter.frames import Frame, FrameReader
from gdbext.cpython.interpreter.names import attribute
from gdbext.cpython.interpreter.runtime import ThreadState, read_runtime
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.methods import builtin_name, c_methods
from gdbext.cpython.objects.types import TypeInfo
from gdbext.cpython.traits.methods import method_traits
from gdbext.cpython.traits.types import canonical, traits_of
from gdbext.diagnosis.diagnose import diagnose
from gdbext.diagnosis.facts.fault import FATAL_SIGNALS
from gdbext.model import Freeing, Report, Subject
from gdbext.reports import story
from gdbext.session import Session
from gdbext.target.protocol import DebuggerError, MemoryFault

REMEMBERED = 1 << 16
"""Calls, the last ones: what went before has been used again long since."""
MAX_BASES = 8
MAX_FRAMES = 3
SLOTS = {
    "tp_clear": "tp_clear",
    "tp_as_sequence.sq_ass_item": "__setitem__",
    "tp_as_mapping.mp_ass_subscript": "__setitem__",
}
"""Slots by which an object drops what it holds."""
PASSED = {0x08: SECOND, 0x80: IN_ARRAY}
"""How functions of modules get theirs, by METH_O and METH_FASTCALL (Include/methodobject.h)."""
Calls = Callable[[int, int, tuple[int, int], Callable[[], Sequence[str]]], None]
"""What is known of a call: the function, the LWP, its first two arguments, and what gives its
callers.
"""


class Recording(Protocol):
    """Calls that the process itself notes."""

    seen: int
    is_dead_of_it: bool

    def add(self, function: int, size: int, passes: int, types: Sequence[int]) -> bool:
        """Have the calls of a function noted; False where its code does not allow that."""

    def noted(self) -> list[NotedCall]:
        """The last calls, in their order."""

    def callers(self, back: int) -> list[str]:
        """The functions to which a call returns, innermost first."""

    def end(self) -> None:
        """Note no more."""


class Follower(Protocol):
    """A debugger that lets the process run, and stops it for a moment at functions, or has it note
    their calls.
    """

    def follow(self, functions: Iterable[int], call: Calls) -> None:
        """Until the process dies or ends, or a person interrupts it."""

    def recording(self, offsets: Offsets, states: Mapping[int, int]) -> Recording:
        """Raises DebuggerError where the process does not allow that."""


class CallRecorder:
    """The calls of the functions that free objects of some types, or take away what they hold."""

    def __init__(
        self, session: Session, names: Sequence[str], functions: Sequence[str] = ()
    ) -> None:
        """``names`` are the types', ``functions`` those of functions that the program calls with
        such objects.
        """
        self._session = session
        self._raw = session.debugger
        self._frames = FrameReader(session.debugger, session.layout)
        self._states: dict[int, ThreadState] = {}
        self._types: dict[int, TypeInfo] = {}
        self._kinds: dict[int, frozenset[str]] = {}
        self.places: dict[int, WatchedFunction] = {}
        self.calls: deque[SeenCall] = deque(maxlen=REMEMBERED)
        self.seen = 0
        self.stops = False
        """Whether the process was stopped at the calls."""
        self._type_at = session.layout.offset("PyObject", "ob_type")
        self._frame_at = session.layout.offset("PyThreadState", "current_frame")
        wanted = {canonical(name) for name in names}
        for info in self._all_types():
            if canonical(info.name) in wanted:
                self._types[info.address] = info
                bases = session.objects.bases(info)
                kinds = (canonical(each.name) or each.name for each in (info, *bases))
                self._kinds[info.address] = frozenset(kinds)
                self._add(info)
        if self._types:
            self._add_functions(set(functions))

    def _all_types(self) -> Iterator[TypeInfo]:
        """The types of the process; that of types is found from a code object's."""
        session = self._session
        for thread in session.runtime.threads:
            for frame in session.python_stack(thread.native_thread_id).frames[:1]:
                info = session.objects.type_of(frame.code)
                if info is not None:
                    yield from session.heap.instances_of_type(info.metatype)
                    return

    def _add(self, info: TypeInfo) -> None:
        if not traits_of(info.name).common:
            deallocator = self._word("PyTypeObject", info.address, "tp_dealloc")
            self._place(deallocator, f"{info.name}.tp_dealloc", True)
        for base in list(self._session.objects.bases(info))[:MAX_BASES]:
            for name, function in c_methods(self._session.objects, base).items():
                traits = method_traits(name)
                if traits.effect.changes and not traits.keeps_items:
                    self._place(function, f"{info.name}.{name}", False)
            for path, name in SLOTS.items():
                self._place(self._slot(base, path), f"{info.name}.{name}", False)

    def _add_functions(self, names: Set[str]) -> None:
        """Built-in functions of modules that change their first argument, by the names that the
        program's own code has for them.
        """
        objects = self._session.objects
        for function in self._globals(names):
            method = self._word("PyCFunctionObject", function, "m_ml")
            text = builtin_name(objects, function) if method else None
            traits = method_traits(text)
            flags = self._word("PyMethodDef", method, "ml_flags")
            passes = next((how for flag, how in PASSED.items() if flags & flag), None)
            if passes is not None and traits.effect.changes and not traits.keeps_items:
                address = self._word("PyMethodDef", method, "ml_meth")
                self._place(address, text or "?", False, passes)

    def _globals(self, names: Set[str]) -> Iterator[int]:
        """Built-in functions of those names in the globals of the threads' frames, and in the
        modules there.
        """
        objects = self._session.objects
        seen: set[int] = set()
        for thread in self._session.runtime.threads:
            for frame in self._session.python_stack(thread.native_thread_id).frames:
                if frame.globals in seen:
                    continue
                seen.add(frame.globals)
                for _, value in objects.dict_items(frame.globals):
                    info = objects.type_of(value)
                    if info is not None and info.name == "module":
                        yield from filter(None, (attribute(objects, value, n) for n in names))
                yield from filter(None, (objects.dict_get_str(frame.globals, n) for n in names))

    def _place(self, function: int, text: str, frees: bool, passes: int = FIRST) -> None:
        if function and function not in self.places:
            symbol = self._session.debugger.symbol_at(function)
            name = symbol.name if symbol else text
            self.places[function] = WatchedFunction(name=name, frees=frees, passes=passes)

    def _word(self, struct: str, address: int, field: str) -> int:
        return self._session.objects.pointer(struct, address, field) or 0

    def _slot(self, info: TypeInfo, path: str) -> int:
        first, _, second = path.partition(".")
        address = self._word("PyTypeObject", info.address, first)
        struct = {"tp_as_sequence": "PySequenceMethods", "tp_as_mapping": "PyMappingMethods"}
        return self._word(struct[first], address, second) if second and address else address

    def follow(self, debugger: Follower, seen: Callable[[], None] = lambda: None) -> bool:
        """Let the process run until it dies or ends, and remember the calls; whether it died of
        itself, as far as the recording can tell.

        The process notes the calls itself where its code allows that for all functions that free
        objects: a stop takes a thousand times longer, and what races need does not happen then.
        ``seen`` is called after calls for which it was stopped.
        """
        recording = self._recording(debugger)
        if recording is None:
            self.stops = True

            def call(*seen_call: Any) -> None:
                self.call(*seen_call)
                seen()

            debugger.follow(self.places, call)
            return True
        try:
            debugger.follow((), self.call)
            self.seen = recording.seen
            self._adopt(recording)
            return not recording.is_dead_of_it
        except DebuggerError:
            # The process has ended.
            return False
        finally:
            recording.end()

    def _recording(self, debugger: Follower) -> Recording | None:
        """One that notes the calls of ``places``, of which those are dropped that it cannot note;
        None where it cannot note the deallocations.
        """
        layout, session = self._session.layout, self._session
        try:
            offsets = Offsets(
                thread_state=0,
                lwp=0,
                ob_type=self._type_at,
                current_frame=self._frame_at,
                executable=layout.offset("_PyInterpreterFrame", "f_executable"),
                instruction=layout.offset("_PyInterpreterFrame", "instr_ptr"),
                previous=layout.offset("_PyInterpreterFrame", "previous"),
            )
            states = {t.native_thread_id: t.address for t in session.runtime.threads}
            recording = debugger.recording(offsets, states)
        except (DebuggerError, UnknownLayout):
            return None
        added = {}
        for function, place in sorted(self.places.items(), key=lambda item: not item[1].frees):
            symbol = session.debugger.symbol_at(function)
            size = symbol.size if symbol is not None and symbol.address == function else 0
            if recording.add(function, size or 0, place.passes, tuple(self._types)):
                added[function] = place
            elif place.frees:
                recording.end()
                return None
        if not added:
            recording.end()
            return None
        self.places = added
        return recording

    def _adopt(self, recording: Recording) -> None:
        """Remember what the process has noted."""
        named: dict[int, tuple[str, ...]] = {}
        for noted in recording.noted():
            place = self.places.get(noted.function)
            if place is None or noted.type not in self._types:
                continue
            if noted.back not in named:
                named[noted.back] = tuple(recording.callers(noted.back)) or self._named(noted.back)
            frames = (self._frames.frame_of(code, at) for code, at in noted.frames)
            self.calls.append(
                SeenCall(
                    place=place,
                    address=noted.address,
                    type=self._types[noted.type].name,
                    kinds=self._kinds[noted.type],
                    lwp=noted.lwp,
                    python=tuple(frame for frame in frames if frame is not None),
                    native=(place.name, *named[noted.back]),
                )
            )

    def _named(self, address: int) -> tuple[str, ...]:
        symbol = self._session.debugger.symbol_at(address)
        return (symbol.name,) if symbol is not None else ()

    def call(
        self,
        function: int,
        lwp: int,
        arguments: tuple[int, int],
        callers: Callable[[], Sequence[str]],
    ) -> None:
        """Remember one call, if it is for an object of one of the types."""
        place = self.places[function]
        try:
            address = self._object(place, arguments)
            kind = int.from_bytes(self._raw.read(address + self._type_at, 8), "little")
            if kind not in self._types:
                return
            self.seen += 1
            made = SeenCall(
                place=place,
                address=address,
                type=self._types[kind].name,
                kinds=self._kinds[kind],
                lwp=lwp,
                python=self._python(lwp),
                native=tuple(callers()),
            )
        except MemoryFault:
            return
        self.calls.append(made)

    def _object(self, place: WatchedFunction, arguments: tuple[int, int]) -> int:
        """The object that a call is for."""
        if place.passes == FIRST:
            return arguments[0]
        if place.passes == SECOND:
            return arguments[1]
        return int.from_bytes(self._raw.read(arguments[1], 8), "little")

    def _python(self, lwp: int) -> tuple[Frame, ...]:
        """The thread's innermost Python frames now."""
        if lwp not in self._states:
            runtime = read_runtime(self._raw, self._session.layout, self._session.runtime_address)
            self._states = {t.native_thread_id: t for t in runtime.threads}
        state = self._states.get(lwp)
        if state is None:
            return ()
        frame = int.from_bytes(self._raw.read(state.address + self._frame_at, 8), "little")
        stack = self._frames.stack(replace(state, current_frame=frame), MAX_FRAMES)
        return tuple(stack.frames)

    def freeings(self, report: Report, session: Session) -> list[Freeing]:
        """Of each object that the report is about, the calls that took it away, or something from
        it: those that memory, as it is now, shows to be of that object.
        """
        crashed = report.crash.thread if report.crash else None
        return [
            _freeing(found, there.how, session)
            for there in _about(report, session)
            for found in joined(tuple(self.calls), there, crashed)
        ]


def _about(report: Report, session: Session) -> list[AddressAtDeath]:
    """The objects that a report is about, each with what memory has there now."""
    found: dict[int, AddressAtDeath] = {}

    def add(address: int, how: str, expected: str | None) -> None:
        if address and address not in found:
            expected = canonical(expected) if expected else None
            info = session.objects.type_of(address)
            found[address] = AddressAtDeath(
                address=address,
                how=how,
                verdict=session.heap.judge(address, expected).verdict,
                type=info.name if info is not None else None,
                expected=expected,
            )

    for finding in report.findings:
        subject: Subject | None = finding.subject
        if subject is not None:
            add(subject.address, "the subject", subject.expected_type)
        if finding.container is not None:
            add(finding.container.address, "the container", None)
    for race in (report.race, *report.suspects):
        if race is not None:
            add(race.object.address, "the shared object", None)
    return list(found.values())


def _freeing(found: Joined, how: str, session: Session) -> Freeing:
    call = found.call
    frame = call.python[0] if call.python else None
    source = None
    if frame is not None and frame.line is not None:
        lines = session.debugger.source(frame.file, frame.line, 0)
        source = next((text.strip() for _, text in lines), None)
    return Freeing(
        address=call.address,
        type=call.type,
        name=session.thread_name(call.lwp),
        lwp=call.lwp,
        file=frame.file if frame else None,
        line=frame.line if frame else None,
        function=frame.function if frame else None,
        source=source,
        native=call.native or (call.place.name,),
        how=how,
        is_emptied=not call.place.frees,
        reused_as=found.reused_as,
    )


def run(context: Context, arguments: Arguments) -> None:
    """Record from now on until the process dies, then tell."""
    follow = getattr(context.debugger, "follow", None)
    if follow is None:
        raise UsageError("ft blame works in gdb only")
    if context.debugger.kind != "live":
        raise UsageError("ft blame wants a process, not a core: start one with `run`")
    stopped = context.debugger.signal()
    if stopped is not None and stopped.name in FATAL_SIGNALS:
        raise UsageError(
            f"the process is dying of {stopped.name} already: start it again, stop it before that "
            "(`break main`, or Ctrl-C), and then say what to record"
        )
    recorder = CallRecorder(context.session, arguments.words)
    if not recorder.places:
        raise UsageError(
            f"no type {arguments.words[0]} here (yet); classes written in Python go by their bare "
            "name (User), others with their module (array.array), as `ft object` shows them"
        )
    names = ", ".join(sorted(place.name for place in recorder.places.values()))
    context.write(f"recording calls of {names} until the process dies or Ctrl-C\n")
    show = counter(context, "calls seen")
    show(0)

    died = False
    try:
        died = recorder.follow(cast(Follower, context.debugger), seen=lambda: show(recorder.seen))
    finally:
        finished(context)
    changes = "; stopping at each of them changes the timing" if recorder.stops else ""
    context.write(f"{recorder.seen} calls seen{changes}\n")
    if not died or context.debugger.signal() is None:
        context.write("nothing died\n")
        return
    report = diagnose(context.session)
    freeings = recorder.freeings(report, context.session)
    for one in freeings:
        context.write(story.freeing(one) + "\n")
    if not freeings:
        context.write("none of the calls was for an object that the crash is about\n")


COMMAND = Command(
    "blame",
    "records who frees objects of a type, until the process dies or Ctrl-C",
    "Lets the process run, and has it note the last calls of the type's deallocator and of\n"
    "the methods that take away what its objects hold, with thread and line. When the process\n"
    "dies, it says who freed or emptied the objects that the crash is about. For that the\n"
    "process maps memory, and jumps there from the beginning of these functions, which costs\n"
    "some nanoseconds a call. Where a function's code does not allow that, breakpoints stop\n"
    "the process at each call: it runs far slower then, and a race may not happen.\n"
    "It goes on until the process dies or ends. Ctrl-C ends it before: the process stops\n"
    "where it is, and how many calls were seen is all that there is to tell.\n"
    "Give the container's type as well, where an item was lost. Deallocations of list, dict and\n"
    "other types that all programs free all the time are not noted. Works in gdb, on a process.",
    run,
    positional=("TYPE", "[TYPE]"),
    examples=("ft blame types.UnionType list", "ft blame collections.OrderedDict"),
)
