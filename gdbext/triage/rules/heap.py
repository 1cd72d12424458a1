"""FT105: the allocator's own lists are damaged."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.model import Finding
from gdbext.triage.case import Case


def corrupted(case: Case) -> Iterator[Finding]:
    yield from ()
