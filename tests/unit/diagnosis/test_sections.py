"""Each section of a report is made on its own: one that fails costs the reader no other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest

from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.cpython.interpreter.opcode_choice import OpcodeChoice
from gdbext.diagnosis import diagnose, registry
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import LockProblem
from gdbext.diagnosis.facts.threads import HangEvidence
from gdbext.diagnosis.rule import Kind
from gdbext.diagnosis.rules import apply
from gdbext.model import Claim, Confidence, Evidence, LockProblemKind, SectionError, TargetInfo
from gdbext.session import Session
from gdbext.target.values import DebuggerError, MemoryFault, NativeThread, Signal
from gdbext.wording import sentence
from unit.diagnosis.crash_world import GC, LWP, TAKEN, HeapWorld, facts_of, session_of


@pytest.fixture(autouse=True)
def as_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GDBEXT_RAISE", raising=False)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryFault(0x10, 8), "cannot read 8 bytes at 0x10"),
        (DebuggerError("the process is gone"), "the process is gone"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_what_fails_is_noted_and_has_its_default(error: Exception, message: str) -> None:
    def fail() -> int:
        raise error

    section = diagnose.Sections()
    assert section.make("heap", fail, 7) == 7
    assert section.make("threads", lambda: 8, 0) == 8
    assert section.problems.entries == [SectionError("heap", message)]


def test_a_defect_of_ours_is_raised_for_those_who_look_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> int:
        raise ZeroDivisionError

    monkeypatch.setenv("GDBEXT_RAISE", "1")
    with pytest.raises(ZeroDivisionError):
        diagnose.Sections().make("heap", fail, 7)


def test_rules_say_nothing_of_what_could_not_be_observed() -> None:
    nothing = Facts(fault=Fault(signal=None), stack=CrashStack(lwp=None))
    assert [f.rule for f in apply.findings(nothing)] == ["FT000"]


def test_where_threads_wait_for_locks_of_unknown_holders_all_is_not_called_well() -> None:
    hang = HangEvidence(for_unknown=(12, 13))
    facts = Facts(fault=Fault(signal=None), stack=CrashStack(lwp=None), hang=hang)
    [found] = apply.findings(facts)
    assert (found.rule, found.is_all_well, found.confidence, found.threads) == (
        "FT000",
        False,
        Confidence.POSSIBLE,
        (12, 13),
    )
    assert sentence(found.title) == (
        "no cause found: 2 threads are waiting for locks whose holders are not recorded"
    )


@pytest.mark.parametrize(
    ("hang", "said", "kind", "threads"),
    [
        (
            HangEvidence(state=Claim("threads-running", count=2)),
            "no cause found: it had not ended after 2.5 s; 2 threads are running",
            "unknown",
            (),
        ),
        (None, "no cause found: it had not ended after 2.5 s", "unknown", ()),
        (
            HangEvidence(state=Claim("waiting", count=2), for_unknown=(12, 13)),
            "no cause found: it had not ended after 2.5 s; "
            "2 threads are waiting for locks whose holders are not recorded",
            "concurrency",
            (12, 13),
        ),
    ],
    ids=["it works", "nothing is known of its locks", "it waits for locks"],
)
def test_what_had_not_ended_in_its_time_is_not_called_well(
    hang: HangEvidence | None, said: str, kind: str, threads: tuple[int, ...]
) -> None:
    facts = Facts(fault=Fault(signal=None), stack=CrashStack(lwp=None), hang=hang, over_time=2.5)
    [found] = apply.findings(facts)
    assert (found.rule, found.confidence, found.threads) == (
        "FT000",
        Confidence.POSSIBLE,
        threads,
    )
    assert sentence(found.title) == said
    assert found.kind == kind
    assert found.names_a_cause is (kind == "concurrency")
    assert not found.is_all_well


def test_what_the_title_says_is_not_said_again() -> None:
    state = Claim("threads-running", count=1)
    whole = Evidence(Claim("process-as-a-whole", state="running"), None, state)
    line = Evidence(Claim("waiters-for-lock-of", lwp=12), None, "13")
    hang = HangEvidence(evidence=(whole, line), state=state)
    facts = Facts(
        fault=Fault(signal=None), stack=CrashStack(lwp=None), hang=hang, over_time=30.1122
    )
    [found] = apply.findings(facts)
    assert sentence(found.title) == (
        "no cause found: it had not ended after 30 s; 1 thread is running"
    )
    assert found.evidence == (line,)


@pytest.mark.parametrize("attached", [True, False])
def test_who_waits_attached_for_a_lock_of_c_code_is_told_to_detach(attached: bool) -> None:
    problem = LockProblem(
        kind=LockProblemKind.STOP_THE_WORLD,
        detail=Claim("stop-requested"),
        confidence=Confidence.LIKELY,
        waits_attached=attached,
    )
    facts = Facts(fault=Fault(signal=None), stack=CrashStack(lwp=None), lock_problems=(problem,))
    [found] = apply.findings(facts)
    assert found.rule == "FT304"
    assert ("before you lock the mutex" in found.advice) is attached


@pytest.mark.parametrize("signal", [None, "SIGSEGV"])
def test_nothing_is_said_of_objects_that_cannot_be_decoded(signal: str | None) -> None:
    """Neither that nothing is wrong, nor that the fault has nothing to do with an object."""
    fault = Fault(signal=Signal(signal, 1, 11, "SEGV_MAPERR", 0x19) if signal else None)
    facts = Facts(fault=fault, stack=CrashStack(lwp=1), is_decoded=False)
    assert apply.findings(facts) == []


def test_what_the_fault_itself_says_needs_no_layout() -> None:
    signal = Signal("SIGABRT", 1, 6, "SI_TKILL")
    fault = Fault(signal=signal, assertion="PyTuple_Check(alias->args)")
    facts = Facts(fault=fault, stack=CrashStack(lwp=1), is_decoded=False)
    assert [f.rule for f in apply.findings(facts)] == ["FT401"]


def test_a_healthy_object_gives_no_finding() -> None:
    world = HeapWorld()
    lst = world.page(GC, 64).object("list")
    found = apply.findings(facts_of(world, lst, use=replace(TAKEN, expected="list")))
    assert [registry.traits(f.rule).kind for f in found] == [Kind.PLAIN]


def test_the_rules_stand_in_an_order_of_their_own() -> None:
    by_order = defaultdict(list)
    for rule in registry.in_order():
        by_order[rule.traits.order].append(rule.id)
    shared = {order: ids for order, ids in by_order.items() if len(ids) > 1}
    assert not shared, f"rules need a traits.order of their own; taken are {sorted(by_order)}"
    assert next(iter(registry.rules())) == "FT000"


RUNNING = Frame(0x1000, 0x2000, "work", "work.py", 7, 3, 0x3000)


@pytest.mark.parametrize(("frames", "noted"), [((RUNNING,), True), ((), False)])
def test_without_instructions_the_operations_are_missed_where_python_code_runs(
    monkeypatch: pytest.MonkeyPatch, frames: tuple[Frame, ...], noted: bool
) -> None:
    """In finalization, code objects are gone that a table could be tried on, and so is what they
    would do.
    """
    session = session_of(HeapWorld())
    monkeypatch.setattr(session.debugger, "thread_list", [NativeThread(LWP, 1)])
    monkeypatch.setattr(Session, "python_stack", lambda *_: PythonStack((frames,)))
    session.opcode_choice = OpcodeChoice(problem="no table fits")
    section = diagnose.Sections()
    target = diagnose.with_opcodes(session, TargetInfo(kind="core"), section)
    assert target.opcode_table is None
    assert section.problems.entries == [SectionError("operations", "no table fits")] * noted
