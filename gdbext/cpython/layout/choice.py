"""Which source of layouts is used: the best one that passes
:func:`gdbext.cpython.layout.checks.check` on the process itself.

DWARF comes first; then ``_Py_DebugOffsets`` with a table that agrees with it, one learnt of this
very build before those of the versions that gdbext ships, the nearest version first; then each
table of the same minor version by itself, for a process whose own offsets were overwritten.  A
table that does not pass is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gdbext.cpython.layout.checks import check, is_running
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import PROBE, Layout, Source
from gdbext.cpython.layout.tables import FittingTable, agreeing, tables
from gdbext.cpython.versions.catalog import VersionFacts
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, Struct

NOT_JUDGED = "objects, heap, locks and thread states cannot be judged"
REMEDY = (
    "to have them judged: `gdbext learn PYTHON`, with the very interpreter, or its debug "
    "information (a -dbg or -debuginfo package)"
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The layout to use, and what is to be said of the sources that do not fit, one sentence each.

    ``source`` is where the structs of the interpreter itself come from, the weakest of them.  An
    extension's may come from elsewhere.  ``table`` names the version and flavour, or the build,
    that the table is of.  ``is_complete`` is False where no source fits: then the layout has only
    what the process says of itself, and neither object headers nor the heap can be read.
    """

    layout: Layout
    source: Source
    problems: tuple[str, ...] = ()
    table: str | None = None
    is_complete: bool = True


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """``is_exact``: made from this very build, or from this very version."""

    name: str
    layout: Layout
    table: str | None = None
    is_exact: bool = False
    is_announced: bool = False
    """Whether it is worth a sentence that it does not fit."""
    is_alone: bool = False
    """Without the process's own offsets."""


def choose(
    memory: Memory,
    runtime: int,
    offsets: DebugOffsets,
    dwarf: Callable[[str], Struct | None],
    learnt: VersionFacts | None = None,
) -> Choice:
    """The first source that fits.

    Where none does, not the sources but the process may be wrong: its memory was overwritten where
    the tests look, or it was stopped while it changed its list of threads.  So one that was made
    from the very build or version is still used.
    """
    best: _Candidate | None = None
    problems: list[str] = []
    tried = 0
    for candidate in _candidates(offsets, dwarf, learnt):
        failures = check(memory, candidate.layout, runtime)
        if not failures:
            if candidate.is_alone and not problems:
                problems.append(_disagrees(offsets))
            used = [f"{candidate.name} is used instead"] if problems else []
            return _choice(candidate, (*problems, *used))
        tried += 1
        if candidate.is_exact and best is None:
            best = candidate
        if candidate.is_announced or candidate is best:
            problems.append(f"{candidate.name} does not fit this process: {failures[0]}")
    own = _Candidate(name="_Py_DebugOffsets", layout=Layout(lambda _: None, offsets))
    if best is not None:
        if not is_running(memory, best.layout, runtime):
            # What the tests look at is not there yet, or gone already.
            return _choice(best, ())
        others = f"no other source of layouts fits better ({tried - 1} tried)"
        return _choice(best, (*problems[:1], others))
    problems += [_nothing_fits(offsets, tried), REMEDY]
    return replace(_choice(own, tuple(problems)), source=Source.DEBUG_OFFSETS, is_complete=False)


def nothing_known(reason: str) -> Choice:
    """Of a process that says nothing of itself: no struct's layout is known."""
    return Choice(
        layout=Layout(lambda _: None),
        source=Source.DEBUG_OFFSETS,
        problems=(f"{NOT_JUDGED}: {reason}",),
        is_complete=False,
    )


def _choice(candidate: _Candidate, problems: tuple[str, ...]) -> Choice:
    layout = candidate.layout
    return Choice(
        layout=layout,
        source=layout.source(),
        problems=problems,
        table=candidate.table,
    )


def _candidates(
    offsets: DebugOffsets, dwarf: Callable[[str], Struct | None], learnt: VersionFacts | None
) -> Iterator[_Candidate]:
    if dwarf(PROBE) is not None:
        layout = Layout(dwarf, offsets, FittingTable(offsets, learnt))
        yield _Candidate(name="DWARF", layout=layout, is_exact=True, is_announced=True)
    seen = set()
    for facts, flavour, table in agreeing(offsets, learnt):
        seen.add((facts.name, flavour))
        name = f"{facts.name} ({flavour})"
        yield _Candidate(
            name=f"_Py_DebugOffsets with the table of {name}",
            layout=Layout(lambda _: None, offsets, table),
            table=name,
            is_exact=facts is learnt or facts.number == offsets.version,
            is_announced=facts is learnt,
        )
    alone = replace(offsets, offsets={}, sizes={})
    for facts, flavour, table in tables(offsets.version, learnt):
        if facts.number >> 16 == offsets.version >> 16 and (facts.name, flavour) not in seen:
            name = f"{facts.name} ({flavour})"
            yield _Candidate(
                name=f"the table of {name}",
                layout=Layout(lambda _: None, alone, table),
                table=name,
                is_alone=True,
            )


def _disagrees(offsets: DebugOffsets) -> str:
    return (
        f"no table of CPython {offsets.python_version} agrees with the process's own "
        "_Py_DebugOffsets"
    )


def _nothing_fits(offsets: DebugOffsets, tried: int) -> str:
    reason = (
        f"none of {tried} tables fits"
        if offsets.order is not None
        else "its _Py_DebugOffsets is of no known kind, or damaged"
    )
    return (
        f"{NOT_JUDGED}: no layout of this CPython {offsets.python_version} is known (no DWARF, "
        f"{reason})"
    )
