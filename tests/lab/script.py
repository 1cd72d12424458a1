"""A corpus script and what it says of itself (tests/corpus/README.md has the form)."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab import builds

CORPUS = Path(__file__).parent.parent / "corpus"
MARK = re.compile(r"#\s*op:\s*([^\s,]+(?: or [^\s,]+)*)(, reads)?\s*$")


@dataclass(frozen=True)
class Operation:
    """What a marked line does to the shared object; two operations that only read are no race."""

    name: str
    reads: bool = False

    def says(self, text: str) -> bool:
        """Whether a report's words for an operation mean this one: ``append`` for ``list.append``,
        ``__init__`` for ``init``.
        """
        text = COMPARISONS.get(text, text)
        names = [name.strip("_") for name in self.name.split(" or ")]
        return any(name in text or text.strip("_") in name for name in names)


COMPARISONS = {
    "compare <": "lt",
    "compare <=": "le",
    "compare ==": "eq",
    "compare !=": "ne",
    "compare >": "gt",
    "compare >=": "ge",
}


@dataclass(frozen=True)
class Script:
    """One script of the corpus; ``name`` is its stem."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def expect(self) -> dict[str, Any]:
        """The literal that the script assigns to ``EXPECT``; the script is not run for it."""
        for statement in ast.parse(self.path.read_text()).body:
            if isinstance(statement, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "EXPECT" for t in statement.targets
            ):
                value = ast.literal_eval(statement.value)
                assert isinstance(value, dict)
                return value
        raise ValueError(f"{self.path}: no EXPECT = {{...}}")

    @property
    def builds(self) -> tuple[str, ...]:
        """The builds that die of it, among those that the lab runs on."""
        return builds.chosen(self.expect["builds"])

    def dies_on(self, build: str) -> bool:
        """Whether it says what is expected on that build, or on one that it is like."""
        return not self.expect["builds"].keys().isdisjoint(builds.expectations(build))

    def on(self, build: str) -> dict[str, Any]:
        """What is expected on that build: the common entries, overridden by its own or those of the
        build it is like.
        """
        common = {key: value for key, value in self.expect.items() if key != "builds"}
        entries: dict[str, dict[str, Any]] = self.expect["builds"]
        return common | next(
            entries[name] for name in builds.expectations(build) if name in entries
        )

    @cached_property
    def operations(self) -> dict[int, Operation]:
        """Lines marked ``# op: NAME`` or ``# op: NAME, reads``, by line number: where the racing
        operations are.  A mark holds for all lines of its statement.
        """
        text = self.path.read_text()
        marks = ((number, MARK.search(line)) for number, line in enumerate(text.splitlines(), 1))
        marked = {number: Operation(mark[1], bool(mark[2])) for number, mark in marks if mark}
        whole = {
            line: marked[number]
            for statement in ast.walk(ast.parse(text))
            if isinstance(statement, ast.stmt) and not hasattr(statement, "body")
            for lines in [range(statement.lineno, (statement.end_lineno or 0) + 1)]
            for number in marked.keys() & set(lines)
            for line in lines
        }
        return whole | marked

    def operation_at(self, file: str, line: int) -> Operation | None:
        """What a line of a stack does to the shared object, None where it is no line of an
        operation.

        A worker of a pool that was handed a C function has no line of the script: ``EXPECT`` names
        the library's file that calls it (``outside``), and what it calls.
        """
        if file.endswith(self.path.name):
            return self.operations.get(line)
        for outside, names in self.expect.get("outside", {}).items():
            if file.endswith(outside):
                return Operation(names)
        return None

    @property
    def defect(self) -> str:
        """What is at fault; several scripts may die of one defect."""
        return str(self.expect.get("defect", self.name))

    @property
    def is_race(self) -> bool:
        return bool(self.expect.get("race"))

    @property
    def is_healthy(self) -> bool:
        """A program that runs on; it is stopped from outside."""
        return bool(self.expect.get("healthy"))


def corpus() -> dict[str, Script]:
    """Every script of the corpus, by name."""
    return {path.stem: Script(path) for path in sorted(CORPUS.glob("[!_]*.py"))}
