"""FT202 and FT305 from the frames of threads: what is a wrong and what is on the way through a lock."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from gdbext.diagnosis import rules
from gdbext.diagnosis.fault import Fault
from gdbext.diagnosis.rules import concurrency, unions
from gdbext.model import Confidence, Finding, Liveness, Verdict
from gdbext.target.protocol import NativeFrame, NativeThread, Signal, Variable

UNION = 0x20000001000
READER, OTHER = 11, 12


class Stacks:
    """The frames of a few threads, each given by its functions, innermost first."""

    def __init__(self, **functions: Sequence[str]) -> None:
        self.functions = {int(name.removeprefix("lwp")): names for name, names in functions.items()}

    def frames(self, lwp: int, limit: int | None = None) -> list[NativeFrame]:
        names = self.functions[lwp][:limit]
        return [
            NativeFrame(n, pc=0x1000 + n, sp=0x7000 + n, function=name, module="python")
            for n, name in enumerate(names)
        ]

    def variables(self, lwp: int, level: int) -> list[Variable]:
        return [Variable("alias", "unionobject *", UNION, is_argument=True)]


def case(
    stacks: Stacks, fault: Fault, holders: Sequence[int] = (), thread_state: Any = None
) -> Any:
    session = SimpleNamespace(
        debugger=stacks,
        locks=SimpleNamespace(holders=lambda mutex: holders),
        objects=SimpleNamespace(type_of=lambda address: SimpleNamespace(name="types.UnionType")),
        heap=SimpleNamespace(
            judge=lambda address: Liveness(address, Verdict.LIVE, Confidence.PROVEN)
        ),
        runtime=SimpleNamespace(by_lwp=lambda lwp: thread_state),
        layout=SimpleNamespace(offset=lambda struct, field: 0x18),
    )
    return SimpleNamespace(
        session=session,
        fault=fault,
        lwp=READER,
        interpreter_module="python",
        native_threads=[NativeThread(lwp, number) for number, lwp in enumerate(stacks.functions)],
        native_frames=stacks.frames(READER),
    )


STOPPED = Fault(None)
SEGV = Fault(Signal("SIGSEGV", READER, 11, "SEGV_MAPERR", 0x19))
COMPUTING = ("tupleiter_next", "_Py_make_parameters", "union_init_parameters", "union_parameters")
WAITING = (
    "sched_yield",
    "_PyMutex_LockTimed",
    "PyCriticalSection_Begin",
    "union_init_parameters",
    "union_parameters",
)
LEAVING = ("PyMutex_Unlock", "PyCriticalSection_End", "union_init_parameters", "union_parameters")
BEFORE = ("union_init_parameters", "union_parameters")


def test_two_threads_that_compute_one_unions_parameters_race() -> None:
    [found] = unions.union_parameters(case(Stacks(lwp11=COMPUTING, lwp12=COMPUTING), STOPPED))
    assert (found.rule, found.confidence, found.threads) == (
        "FT202",
        Confidence.PROVEN,
        (READER, OTHER),
    )


def test_that_race_explains_no_crash_of_a_thread_that_does_not_use_the_union() -> None:
    bystander = case(Stacks(lwp11=["strlen"], lwp12=COMPUTING, lwp13=COMPUTING), SEGV)
    bystander.suspects = []
    [found] = unions.union_parameters(bystander)
    assert found.confidence is Confidence.POSSIBLE


@pytest.mark.parametrize("other", [WAITING, LEAVING, BEFORE])
@pytest.mark.parametrize("one", [WAITING, LEAVING, BEFORE, COMPUTING])
def test_a_thread_at_the_lock_of_the_union_does_not_race(
    one: Sequence[str], other: Sequence[str]
) -> None:
    assert not list(unions.union_parameters(case(Stacks(lwp11=one, lwp12=other), STOPPED)))


def test_the_holder_of_the_unions_mutex_does_not_race() -> None:
    assert not list(
        unions.union_parameters(
            case(Stacks(lwp11=COMPUTING, lwp12=COMPUTING), STOPPED, holders=[READER])
        )
    )


DETACHED = SimpleNamespace(state="detached", address=0x5000)


def test_a_c_api_call_in_a_detached_thread_is_told() -> None:
    [found] = concurrency.detached(
        case(Stacks(lwp11=["_Py_INCREF", "PyList_Append", "worker"]), SEGV, thread_state=DETACHED)
    )
    assert found.rule == "FT305"


@pytest.mark.parametrize(
    "frames",
    [
        (
            "clock_gettime",
            "PyTime_MonotonicRaw",
            "_PyDeadline_Init",
            "_PyMutex_LockTimed",
            "lock_PyThread_acquire_lock",
        ),
        ("_PySemaphore_Wait", "_PyParkingLot_Park", "_PyMutex_LockTimed", "PyEvent_WaitTimed"),
    ],
)
def test_a_thread_that_waits_detached_is_in_order(frames: Sequence[str]) -> None:
    assert not list(concurrency.detached(case(Stacks(lwp11=frames), SEGV, thread_state=DETACHED)))


@pytest.mark.parametrize(
    "fault",
    [
        STOPPED,
        Fault(Signal("SIGQUIT", READER, 3, "SI_USER", sender=7)),
        Fault(SEGV.signal, from_outside=True),
    ],
)
def test_what_was_killed_from_outside_did_nothing_wrong(fault: Fault) -> None:
    assert not list(
        concurrency.detached(
            case(Stacks(lwp11=["PyList_Append", "worker"]), fault, thread_state=DETACHED)
        )
    )


@pytest.mark.parametrize("function", ["PyOS_vsnprintf", "PyOS_mystrnicmp", "PyConfig_Clear"])
def test_what_works_on_no_object_may_be_called_detached(function: str) -> None:
    assert not list(
        concurrency.detached(case(Stacks(lwp11=[function, "worker"]), SEGV, thread_state=DETACHED))
    )


def test_a_healthy_process_shows_pointers_to_what_just_died() -> None:
    def found(rule: str, confidence: Confidence) -> Finding:
        return Finding(rule, "", confidence)

    assert rules._is_normal(found("FT101", Confidence.POSSIBLE))
    assert not rules._is_normal(found("FT101", Confidence.LIKELY))
    assert not rules._is_normal(found("FT303", Confidence.POSSIBLE))
