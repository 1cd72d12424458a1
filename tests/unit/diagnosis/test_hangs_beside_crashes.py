"""What other threads wait for, in a process that an instruction or an assertion ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.memory import LockProblem
from gdbext.diagnosis.rules import apply
from gdbext.model import Claim, Confidence, LockProblemKind
from gdbext.target.protocol import Signal
from unit.diagnosis.crash_world import ABORT, HeapWorld, facts_of, segfault

STUCK = LockProblem(
    kind=LockProblemKind.STOP_THE_WORLD,
    detail=Claim("stopping", count=1),
    confidence=Confidence.LIKELY,
)
DEADLOCK = replace(STUCK, kind=LockProblemKind.DEADLOCK)
ASSERTION = Fault(signal=ABORT, assertion="n > 0", assertion_function="step")


@pytest.mark.parametrize("problem", [STUCK, DEADLOCK])
@pytest.mark.parametrize(("fault", "first"), [(segfault(0), "FT404"), (ASSERTION, "FT401")])
def test_no_instruction_faults_because_threads_wait(
    problem: LockProblem, fault: Fault, first: str
) -> None:
    facts = replace(facts_of(HeapWorld(), fault=fault), lock_problems=(problem,))
    found = [finding.rule for finding in apply.findings(facts)]
    assert found[0] == first
    assert found[1] in ("FT303", "FT304")


@pytest.mark.parametrize("signal", [ABORT, Signal("SIGQUIT", 7, 3, "SI_USER")])
def test_who_saw_them_wait_may_have_ended_the_process(signal: Signal) -> None:
    fault = Fault(signal=signal)
    facts = replace(facts_of(HeapWorld(), fault=fault), lock_problems=(DEADLOCK,))
    assert apply.findings(facts)[0].rule == "FT303"
