"""How ``ft blame`` has calls noted: by the process itself, or by stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from fakes import FakeDebugger
from gdbext.binfmt.x86.detours import FIRST, NotedCall, Offsets
from gdbext.commands.blame import CallRecorder
from gdbext.commands.seen_calls import WatchedFunction
from gdbext.cpython.interpreter.frames import FrameReader
from gdbext.cpython.objects.types import TypeInfo
from gdbext.target.protocol import DebuggerError, Symbol
from unit.diagnosis.crash_world import session_of
from unit.heap.heap_world import GC, HeapWorld

DEALLOC, CLEAR = 0x5000, 0x6000
OBJECT = 0x20000001000


class FakeRecording:
    """One that can note the calls of some functions."""

    def __init__(self, able: Sequence[int], calls: Sequence[NotedCall]) -> None:
        self.able, self.calls = able, calls
        self.seen = len(calls)
        self.is_dead_of_it = False
        self.ended = 0

    def add(self, function: int, size: int, passes: int, types: Sequence[int]) -> bool:
        return function in self.able and size > 0

    def noted(self) -> list[NotedCall]:
        return list(self.calls)

    def callers(self, back: int) -> list[str]:
        return ["list_clear_impl"] if back == 0x7000 else []

    def end(self) -> None:
        self.ended += 1


class Process:
    """A debugger's process that runs until it dies."""

    def __init__(self, recording: FakeRecording | None) -> None:
        self._recording = recording
        self.stopped_at: list[int] = []

    def follow(self, functions: Iterable[int], call: Callable[..., None]) -> None:
        self.stopped_at = list(functions)

    def recording(self, offsets: Offsets, states: Mapping[int, int]) -> FakeRecording:
        if self._recording is None:
            raise DebuggerError("no memory")
        return self._recording


class Recorder(CallRecorder):
    """One for lists, with two functions."""

    def __init__(self) -> None:
        world = HeapWorld()
        lst = world.page(GC, 64).object("list")
        session = session_of(world)
        debugger = session.debugger
        assert isinstance(debugger, FakeDebugger)
        debugger.symbols = {
            "list_dealloc": Symbol("list_dealloc", DEALLOC, 64),
            "list_clear": Symbol("list_clear", CLEAR, 64),
        }
        info = session.objects.type_of(lst)
        assert isinstance(info, TypeInfo)
        super().__init__(session, [])
        self.kind = info.address
        self._types = {info.address: info}
        self._kinds = {info.address: frozenset({"list", "object"})}
        self._frames = FrameReader(session.memory, session.layout)
        self.places = {
            CLEAR: WatchedFunction(name="list_clear", frees=False, passes=FIRST),
            DEALLOC: WatchedFunction(name="list_dealloc", frees=True, passes=FIRST),
        }


def noted(recorder: Recorder, function: int, kind: int | None = None) -> NotedCall:
    return NotedCall(
        function=function,
        address=OBJECT,
        type=recorder.kind if kind is None else kind,
        lwp=7,
        back=0x7000,
        frames=(),
    )


def test_the_process_notes_the_calls_itself_where_it_can() -> None:
    recorder = Recorder()
    calls = [noted(recorder, CLEAR), noted(recorder, DEALLOC), noted(recorder, CLEAR, kind=1)]
    recording = FakeRecording([CLEAR, DEALLOC], calls)
    process = Process(recording)
    assert recorder.follow(process)
    assert (process.stopped_at, recorder.stops, recorder.seen) == ([], False, 3)
    assert [(c.place.name, c.lwp, c.native) for c in recorder.calls] == [
        ("list_clear", 7, ("list_clear", "list_clear_impl")),
        ("list_dealloc", 7, ("list_dealloc", "list_clear_impl")),
    ]
    assert recording.ended == 1


def test_a_function_that_only_empties_is_left_out_where_it_cannot_be_noted() -> None:
    recorder = Recorder()
    process = Process(FakeRecording([DEALLOC], []))
    assert recorder.follow(process)
    assert (process.stopped_at, list(recorder.places)) == ([], [DEALLOC])


def test_a_deallocation_that_cannot_be_noted_is_stopped_at_as_all_are_then() -> None:
    for recording in (FakeRecording([CLEAR], []), None):
        recorder = Recorder()
        process = Process(recording)
        assert recorder.follow(process)
        assert (sorted(process.stopped_at), recorder.stops) == ([DEALLOC, CLEAR], True)
        assert recording is None or recording.ended == 1


def test_who_dies_in_a_detour_has_not_died_of_itself() -> None:
    recorder = Recorder()
    recording = FakeRecording([CLEAR, DEALLOC], [])
    recording.is_dead_of_it = True
    assert not recorder.follow(Process(recording))
