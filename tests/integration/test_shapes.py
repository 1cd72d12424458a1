"""The same crash says the same, or less, and never a wrong word, on every shape in which users have
CPython.
"""

from __future__ import annotations

import functools

import pytest

import interpreters
from lab import Lab, shapes
from lab.shapes import Answer, Verdict

# One worker builds a shape, and runs its crashes and those of what is made of it.
SHAPES = [
    pytest.param(name, marks=pytest.mark.xdist_group(f"shape-{variant.base or name}"))
    for name, variant in interpreters.SHAPES.items()
]
DEBUGGERS = ("gdb", "drgn")


@functools.cache
def answer(lab: Lab, shape: str, crash: str, debugger: str) -> Answer:
    return shapes.answer(lab, shape, crash, debugger)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("debugger", DEBUGGERS)
@pytest.mark.parametrize("crash", shapes.CRASHES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_says_nothing_wrong(lab: Lab, shape: str, crash: str, debugger: str) -> None:
    said = answer(lab, shape, crash, debugger)
    assert said.verdict is not Verdict.WRONG, "\n".join(said.wrong)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("debugger", DEBUGGERS)
@pytest.mark.parametrize("crash", shapes.FOUNDING)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_founding_crash_has_its_headline_on_every_shape(
    lab: Lab, shape: str, crash: str, debugger: str
) -> None:
    findings = [
        (answer(lab, name, crash, debugger).report or {}).get("findings")
        for name in ("release-unfixed", shape)
    ]
    plain, shaped = (first and first[0] for first in findings)
    assert plain
    assert shaped
    assert shaped["rule"] == plain["rule"]
    for key in ("type", "expected_type"):
        assert shaped["subject"][key] == plain["subject"][key]
