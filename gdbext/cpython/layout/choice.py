"""Which source of layouts is used: the best one that passes :func:`gdbext.cpython.layout.checks.check` on the process itself.

DWARF comes first; then ``_Py_DebugOffsets`` with the shipped table that agrees with it; then each shipped table of the same
minor version by itself, for a process whose own offsets were overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gdbext.cpython.layout import tables
from gdbext.cpython.layout.checks import check, is_running
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import PROBE, Layout, Source
from gdbext.target.protocol import Memory, Struct


@dataclass(frozen=True)
class Choice:
    """The layout to use, and what is to be said of the sources that do not fit, one sentence each.

    ``source`` is where the structs of the interpreter itself come from, the weakest of them.  An extension's may come from
    elsewhere.
    """

    layout: Layout
    source: Source
    problems: tuple[str, ...] = ()


def choose(
    memory: Memory, runtime: int, offsets: DebugOffsets, dwarf: Callable[[str], Struct | None]
) -> Choice:
    """The first source that fits; where none does, the first there is.

    Then not the sources but the process may be wrong: its memory was overwritten where the tests look, or it was stopped while
    it changed its list of threads.
    """
    first: Layout | None = None
    problems: list[str] = []
    for name, layout in _ladder(offsets, dwarf):
        failures = check(memory, layout, runtime)
        if not failures:
            used = [f"{name} is used instead"] if problems else []
            return Choice(layout, layout.source(), (*problems, *used))
        first = first or layout
        problems.append(f"{name} does not fit this process: {failures[0]}")
    assert first is not None  # the second step of the ladder is always there
    if not is_running(memory, first, runtime):
        return Choice(
            first, first.source()
        )  # what the tests look at is not there yet, or gone already
    return Choice(
        first,
        first.source(),
        (problems[0], f"no other source of layouts fits better ({len(problems) - 1} tried)"),
    )


def _ladder(
    offsets: DebugOffsets, dwarf: Callable[[str], Struct | None]
) -> Iterator[tuple[str, Layout]]:
    fitting = tables.FittingTable(offsets)
    if dwarf(PROBE) is not None:
        yield "DWARF", Layout(dwarf, offsets, fitting)
    yield "_Py_DebugOffsets", Layout(lambda _: None, offsets, fitting)
    alone = replace(offsets, offsets={}, sizes={})
    for version in tables.same_minor(offsets):
        for flavour in tables.FLAVOURS:
            yield (
                f"the shipped table of {version} ({flavour})",
                Layout(lambda _: None, alone, tables.load(version, flavour)),
            )
