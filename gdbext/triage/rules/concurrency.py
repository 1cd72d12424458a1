"""FT301 to FT305: locks, and objects shared without one."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.model import Finding
from gdbext.triage.case import Case


def sharing(case: Case) -> Iterator[Finding]:
    yield from ()


def mutex_misuse(case: Case) -> Iterator[Finding]:
    yield from ()


def deadlock(case: Case) -> Iterator[Finding]:
    yield from ()


def stop_the_world(case: Case) -> Iterator[Finding]:
    yield from ()


def detached(case: Case) -> Iterator[Finding]:
    yield from ()
