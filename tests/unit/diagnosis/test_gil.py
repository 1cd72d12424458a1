"""Where the GIL is on: the headline says so, who has it, and for which modules."""

from __future__ import annotations

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.threads import Gil, Process, ThreadStateFacts
from gdbext.diagnosis.rules import apply
from gdbext.wording import sentence
from unit.diagnosis.crash_world import segfault, stack_of


def said(gil: Gil | None) -> list[str]:
    threads = (ThreadStateFacts(address=0x1000, lwp=100, name="worker", state="attached"),)
    process = Process(threads=threads, is_complete=True, gil=gil)
    facts = Facts(fault=segfault(0x1230), stack=stack_of(), process=process)
    [headline] = apply.findings(facts)
    return [sentence(evidence.claim) for evidence in headline.evidence]


def test_who_has_it_and_which_modules_want_it() -> None:
    claims = said(Gil(address=0x2000, holder=100, modules=("old", "older")))
    assert claims[:2] == [
        'the GIL is on: threads take turns; thread "worker" has it',
        "modules that do not say that they can do without the GIL: old, older",
    ]


def test_what_is_not_known_is_not_said() -> None:
    assert said(Gil(address=0x2000))[0] == "the GIL is on: threads take turns"
    assert not any("GIL" in claim for claim in said(None))
