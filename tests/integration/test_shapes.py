"""The same crash says the same, or less, and never a wrong word, on every shape in which users have
CPython.
"""

from __future__ import annotations

import pytest

import interpreters
from lab import Lab, shapes
from lab.shapes import Verdict

# One worker builds a shape and runs its crashes: several builds at once are slower.
SHAPES = [
    pytest.param(name, marks=pytest.mark.xdist_group("shapes")) for name in interpreters.SHAPES
]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("crash", shapes.CRASHES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_says_nothing_wrong(lab: Lab, shape: str, crash: str) -> None:
    said = shapes.answer(lab, shape, crash)
    assert said.verdict is not Verdict.WRONG, "\n".join(said.wrong)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("crash", shapes.FOUNDING)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_founding_crash_has_its_headline_on_every_shape(lab: Lab, shape: str, crash: str) -> None:
    findings = [
        (shapes.answer(lab, name, crash).report or {}).get("findings")
        for name in ("release-unfixed", shape)
    ]
    plain, shaped = (first and first[0] for first in findings)
    assert plain
    assert shaped
    assert shaped["rule"] == plain["rule"]
    for key in ("type", "expected_type"):
        assert shaped["subject"][key] == plain["subject"][key]
