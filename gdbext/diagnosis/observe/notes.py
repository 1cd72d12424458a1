"""How an observation says what it could not do, or not wholly."""

from __future__ import annotations

from collections.abc import Callable

Note = Callable[[str, object], None]
"""Takes the report's section and the reason; it becomes an entry of ``errors``."""


def ignore(section: str, reason: object) -> None:
    """For those who do not report."""
