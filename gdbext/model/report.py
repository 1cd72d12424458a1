"""The report: everything that a triage says."""

from __future__ import annotations

from dataclasses import field

from gdbext.frozen import dataclass
from gdbext.model.consensus import Consensus
from gdbext.model.findings import Crash, Finding
from gdbext.model.locks import LockInfo
from gdbext.model.operations import Operation
from gdbext.model.races import Race
from gdbext.model.threads import ThreadInfo
from gdbext.model.views import ContainerView, HeapPage

SCHEMA_ID = "gdbext.triage/1"


@dataclass(frozen=True)
class Tool:
    """Who made the report, with which debugger."""

    name: str
    version: str
    debugger: str
    examine: str = "x/gx"
    """What a person types in that debugger before an address to see the word there."""


@dataclass(frozen=True)
class TargetInfo:
    """What was diagnosed: a core or a process, and the Python in it."""

    kind: str
    """``core`` or ``live``."""
    path: str | None = None
    executable: str | None = None
    build_id: str | None = None
    python_version: str | None = None
    free_threaded: bool | None = None
    debug_build: bool | None = None
    gil_enabled: bool | None = None
    layout_source: str | None = None
    """``dwarf``, ``debug-offsets`` or ``table``: the weakest source that a field in use came from.

    None where no layout is known.
    """
    pid: int | None = None
    """The process's id, where it is alive."""
    layout_table: str | None = None
    """The version and flavour, or the build, whose table the layouts come from, where they come
    from one: ``3.14.10 (release)``.
    """
    opcode_table: str | None = None
    """The version, or the build, whose instructions the process's code was decoded with."""
    over_time: float | None = None
    """The seconds that it was given to end in, where it was stopped because it had not."""


@dataclass(frozen=True)
class KnownIssue:
    """An issue of CPython that the crash agrees with."""

    id: str
    url: str
    match: str
    """``exact``, ``likely`` or ``possible``."""
    fixed_in: tuple[str, ...] = ()
    advice: str = ""
    title: str = ""
    why: str = ""


@dataclass(frozen=True)
class Signature:
    """What equal crashes have in common.

    ``features`` are names (of rules, types and known issues), and what racing threads do.
    """

    id: str
    frames: tuple[str, ...] = ()
    features: tuple[Operation | str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModuleInfo:
    """A mapped ELF file.  ``base`` is where its start is mapped, ``build_id`` hex digits."""

    path: str
    base: int
    build_id: str | None


@dataclass(frozen=True)
class SectionError:
    """A part of the report that could not be made, and why."""

    section: str
    message: str


@dataclass(frozen=True)
class Report:
    """What a triage found; :func:`gdbext.reports.contract.to_json` of it is the JSON contract."""

    tool: Tool
    target: TargetInfo
    crash: Crash | None
    findings: tuple[Finding, ...]
    race: Race | None
    known_issues: tuple[KnownIssue, ...]
    signature: Signature | None
    threads: tuple[ThreadInfo, ...]
    errors: tuple[SectionError, ...]
    suspects: tuple[Race, ...] = ()
    """All ranked races, ``race`` being the first."""
    containers: tuple[ContainerView, ...] = ()
    """The containers that the findings are about, for pictures."""
    pages: tuple[HeapPage, ...] = ()
    """The heap pages that the findings are about, for pictures."""
    consensus: Consensus | None = None
    """Where the report concludes over many deaths."""
    modules: tuple[ModuleInfo, ...] = ()
    """The executable and the libraries, by address."""
    locks: tuple[LockInfo, ...] = ()
    """Those that threads hold or wait for, by address."""
    schema: str = SCHEMA_ID


@dataclass
class Problems:
    """Collects what went wrong in sections that could not be finished, so that the rest still comes
    out.
    """

    entries: list[SectionError] = field(default_factory=list)

    def add(self, section: str, message: object) -> None:
        """Note a failure, once."""
        entry = SectionError(section, str(message))
        if entry not in self.entries:
            self.entries.append(entry)
