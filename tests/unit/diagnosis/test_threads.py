"""FT202 and FT305 from the frames of threads: what is wrong, and what is on the way
through a lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.memory import UnionInitialisation
from gdbext.diagnosis.facts.threads import Process, ThreadStateFacts
from gdbext.diagnosis.observe.unions import computing_threads
from gdbext.diagnosis.rules import apply, ft202_union_parameters, ft305_detached
from gdbext.diagnosis.rules.apply import may_be_normal
from gdbext.model import Confidence, Finding, Verdict
from gdbext.target.protocol import NativeFrame, NativeThread, Signal, Variable
from gdbext.wording import sentence
from unit.diagnosis.crash_world import EXTENSION, PYTHON, stack_of

UNION = 0x20000001000
READER, OTHER = 11, 12
STOPPED = Fault(signal=None)
SEGV = Fault(signal=Signal("SIGSEGV", READER, 11, "SEGV_MAPERR", 0x19))
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


def frames(names: Sequence[str | None]) -> list[NativeFrame]:
    """The functions of a stack, innermost first."""
    return [
        NativeFrame(n, pc=0x1000 + n, sp=0x7000 + n, function=name, module=PYTHON)
        for n, name in enumerate(names)
    ]


def computing(*stacks: Sequence[str]) -> list[int]:
    """The threads that compute the union's parameters, each given by its functions."""
    debugger = FakeDebugger()
    variable = Variable("alias", "unionobject *", UNION, is_argument=True)
    for number, names in enumerate(stacks):
        lwp = READER + number
        debugger.thread_list.append(NativeThread(lwp, number))
        debugger.frame_lists[lwp] = frames(names)
        debugger.variable_lists.update({(lwp, n): [variable] for n in range(len(names))})
    return list(computing_threads(debugger).get(UNION, []))


def union_parameters(fault: Fault, *threads: int) -> Finding:
    union = UnionInitialisation(
        union=UNION, type="types.UnionType", verdict=Verdict.LIVE, threads=threads
    )
    stack = stack_of(*frames(["strlen"]), lwp=READER)
    [found] = ft202_union_parameters.check(Facts(fault=fault, stack=stack, unions=(union,)))
    return found


def test_two_threads_that_compute_one_unions_parameters_race() -> None:
    assert computing(COMPUTING, COMPUTING) == [READER, OTHER]
    found = union_parameters(STOPPED, READER, OTHER)
    assert (found.rule, found.confidence) == ("FT202", Confidence.PROVEN)
    assert found.threads == (READER, OTHER)


def test_that_race_explains_no_crash_of_a_thread_that_does_not_use_the_union() -> None:
    assert computing(["strlen"], COMPUTING, COMPUTING) == [12, 13]
    assert union_parameters(SEGV, 12, 13).confidence is Confidence.POSSIBLE
    assert union_parameters(SEGV, READER, 12).confidence is Confidence.PROVEN


@pytest.mark.parametrize("one", [WAITING, LEAVING, BEFORE])
def test_a_thread_at_the_lock_of_the_union_does_not_compute(one: Sequence[str]) -> None:
    assert computing(one, COMPUTING) == [OTHER]


def detached(
    names: Sequence[str],
    fault: Fault = SEGV,
    state: str | None = "detached",
    caller: str = "worker",
    is_complete: bool = True,
    outer: Sequence[str] = (),
) -> list[Finding]:
    """What FT305 says of a thread in those functions of the interpreter, in that state.

    ``caller`` called them: an extension's function, or another one of the interpreter; instead of
    it, ``outer`` are functions of an extension's.
    """
    known = [ThreadStateFacts(address=0x5000, lwp=READER, state=state)] if state else []
    callers = list(outer) or [caller]
    stack = frames([*names, *callers])
    if caller == "worker":
        stack[len(names) :] = [replace(f, module=EXTENSION) for f in stack[len(names) :]]
    return list(
        ft305_detached.check(
            Facts(
                fault=fault,
                stack=stack_of(*stack, lwp=READER),
                process=Process(threads=tuple(known), is_complete=is_complete),
            )
        )
    )


@pytest.mark.parametrize(
    ("end", "said", "advice"),
    [
        (["~Session", "__call_tls_dtors", "start_thread"], "the thread is exiting", "is exiting"),
        (
            ["forget", "__nptl_deallocate_tsd", "start_thread"],
            "the thread is exiting",
            "is exiting",
        ),
        (["~Holder", "__run_exit_handlers", "exit"], "the process exits", "The process exits"),
        (["~Holder", "__call_tls_dtors", "exit"], "the process exits", "The process exits"),
    ],
)
def test_destructors_at_the_end_have_advice_of_their_own(
    end: Sequence[str], said: str, advice: str
) -> None:
    [found] = detached(["PyList_Append"], state=None, outer=end)
    assert sentence(found.evidence[-1].claim).startswith(said)
    assert advice in found.advice


def test_a_thread_that_never_attached_is_told_to() -> None:
    [found] = detached(["PyList_Append"], state=None, outer=["run", "start_thread"])
    assert "Attach first" in found.advice
    assert "end" not in [sentence(e.claim) for e in found.evidence]


@pytest.mark.parametrize(
    ("callers", "said"),
    [
        ([(None, EXTENSION)], ", in shapes.so (no symbols)"),
        ([(None, EXTENSION), ("run_job", EXTENSION)], ", in run_job of shapes"),
        ([(None, "/usr/lib/libffi.so.8.1.2"), ("ffi_call", "/usr/lib/libffi.so.8.1.2")], ""),
        ([("cfunction_call", PYTHON), ("_PyEval_EvalFrameDefault", PYTHON), (None, EXTENSION)], ""),
    ],
)
def test_the_caller_without_symbols_is_in_the_headline_by_its_file(
    callers: Sequence[tuple[str | None, str]], said: str
) -> None:
    stack = frames(["PyFloat_FromDouble", *(name for name, _ in callers)])
    stack[1:] = [replace(f, module=m) for f, (_, m) in zip(stack[1:], callers)]
    facts = Facts(fault=SEGV, stack=stack_of(*stack, lwp=READER), process=Process(is_complete=True))
    title = sentence(apply.findings(facts)[0].title)
    assert title.endswith(said)
    assert title.count(", in ") == bool(said)


def test_exit_below_python_code_is_not_the_end_of_the_crashed_call() -> None:
    [found] = detached(["PyList_Append"], outer=["call", "_PyEval_EvalFrameDefault", "exit"])
    assert "Py_BEGIN_ALLOW_THREADS" in found.advice


def test_a_c_api_call_in_a_detached_thread_is_reported() -> None:
    names = ["_Py_INCREF", "PyList_Append"]
    [found] = detached(names)
    assert (found.rule, sentence(found.evidence[1].claim)) == (
        "FT305",
        "its thread state 0x5000 is detached",
    )
    [found] = detached(names, state=None)
    assert sentence(found.evidence[1].claim) == "it has no thread state"
    assert not detached(names, state="attached")


def test_thread_states_that_were_not_all_read_are_no_evidence() -> None:
    """A layout that does not fit finds none, and every thread would seem to have none."""
    names = ["_Py_INCREF", "PyList_Append"]
    assert not detached(names, state=None, is_complete=False)
    assert not detached(names, is_complete=False)


def test_what_the_eval_loop_calls_may_detach_itself() -> None:
    """signal.raise_signal() sends a signal while it is detached; it was called attached."""
    names = ["raise", "signal_raise_signal", "cfunction_vectorcall_O", "PyObject_Vectorcall"]
    assert not detached(names, caller="_PyEval_EvalFrameDefault")


@pytest.mark.parametrize(
    "names",
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
def test_a_thread_that_waits_detached_is_in_order(names: Sequence[str]) -> None:
    assert not detached(names)


@pytest.mark.parametrize(
    "fault",
    [
        STOPPED,
        Fault(signal=Signal("SIGQUIT", READER, 3, "SI_USER", sender=7)),
        Fault(signal=SEGV.signal, from_outside=True),
    ],
)
def test_what_was_killed_from_outside_did_nothing_wrong(fault: Fault) -> None:
    assert not detached(["PyList_Append"], fault)


@pytest.mark.parametrize("function", ["PyOS_vsnprintf", "PyOS_mystrnicmp", "PyConfig_Clear"])
def test_what_works_on_no_object_may_be_called_detached(function: str) -> None:
    assert not detached([function])


def test_a_healthy_process_shows_pointers_to_what_just_died() -> None:
    def found(rule: str, confidence: Confidence) -> Finding:
        return Finding(rule, "", confidence)

    assert may_be_normal(found("FT101", Confidence.POSSIBLE))
    assert not may_be_normal(found("FT101", Confidence.LIKELY))
    assert not may_be_normal(found("FT303", Confidence.POSSIBLE))
