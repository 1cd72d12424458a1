"""The examples in docstrings are right: each module that has some, run as a test of its own."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import gdbext

ROOT = Path(gdbext.__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    """All with an example, but for those that only a debugger can import."""
    files = sorted((ROOT / "gdbext").rglob("*.py"))
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in files
        if ">>>" in file.read_text(encoding="utf-8") and "backends" not in file.parts
    ]


@pytest.mark.parametrize("name", modules())
def test_examples(name: str) -> None:
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    examples = [example for test in found for example in test.examples]
    assert examples, "no docstring has them"
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report: list[str] = []
    for test in found:
        runner.run(test, out=report.append)
    assert not runner.summarize(verbose=False).failed, "".join(report)
