"""What the rules found, and how the process died."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model.claims import Claim, Confidence, Evidence
from gdbext.model.liveness import Verdict


@dataclass(frozen=True)
class Subject:
    """The object that a finding is about."""

    address: int
    type: str | None = None
    expected_type: str | None = None
    liveness: Verdict | None = None


@dataclass(frozen=True)
class Container:
    """Where the subject's pointer came from: ``index`` is a position, or a key's repr
    for a dict.
    """

    address: int
    type: str
    index: int | str | None = None


@dataclass(frozen=True)
class Finding:
    """One rule's result.  ``threads`` are LWPs, the one at fault first."""

    rule: str
    title: Claim | str
    confidence: Confidence
    subject: Subject | None = None
    container: Container | None = None
    threads: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""
    name: str = ""
    """The rule's own title."""
    kind: str = ""
    """What the rule is about: ``memory``, ``concurrency``, ``plain``, ``exhaustion``, ``nothing``;
    ``unknown`` where something is wrong and nothing says what.
    """

    @property
    def is_all_well(self) -> bool:
        """Whether it says that nothing is wrong."""
        return self.kind == "nothing"

    @property
    def names_a_cause(self) -> bool:
        """Whether it says what is wrong, or where to look."""
        return self.kind not in ("nothing", "unknown")


@dataclass(frozen=True)
class Crash:
    """How it died: the signal, what faulted, the last words."""

    signal: str | None = None
    code: str | None = None
    address: int | None = None
    thread: int | None = None
    assertion: str | None = None
    fatal_error: str | None = None
    victim: bool = False
    """True when the crashing code is not the cause: the damage was done elsewhere."""
    victim_reason: Claim | str | None = None
    victim_confidence: Confidence | None = None
    instruction: str | None = None
    operand: str | None = None
    access: str | None = None
    """``reading``, ``writing`` or ``jumping to`` the address."""
    refused: Claim | str | None = None
    """Of SIGFPE, SIGILL and SIGTRAP what the processor refused: ``integer division by zero``."""
