"""Where the GIL is on: the headline says so, who has it, and for which modules."""

from __future__ import annotations

import pytest

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.threads import Gil, GilSwitch, Process, ThreadStateFacts
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


@pytest.mark.parametrize(
    ("switch", "modules", "expected"),
    [
        pytest.param(
            GilSwitch.MODULE,
            ("old",),
            "old turned it on: the only module that does not say that it can do without it",
            id="one module",
        ),
        pytest.param(
            GilSwitch.MODULE,
            ("old", "b", "c"),
            "old seems to have turned it on: the first import of a module that does not say that "
            "it can do without it (the others: b, c)",
            id="the first of three",
        ),
        pytest.param(
            GilSwitch.MODULE,
            ("old", "b", "c", "d", "e"),
            "old seems to have turned it on: the first import of a module that does not say that "
            "it can do without it (the others: b, c, d, ...)",
            id="of many",
        ),
        pytest.param(
            GilSwitch.USER, ("old",), "PYTHON_GIL=1 or -X gil=1 turned it on", id="the user"
        ),
        pytest.param(
            GilSwitch.IMPORT,
            ("old",),
            "it is on while an extension module is being imported",
            id="an import",
        ),
    ],
)
def test_what_turned_it_on(switch: GilSwitch, modules: tuple[str, ...], expected: str) -> None:
    assert said(Gil(address=0x2000, modules=modules, switch=switch))[1] == expected


def test_a_module_that_is_gone_again_is_not_known() -> None:
    claims = said(Gil(address=0x2000, switch=GilSwitch.MODULE))
    assert not any("turned it on" in claim for claim in claims)
