"""How far a long walk is, as a line that is written over."""

from __future__ import annotations

BAR = 30


def progress_line(what: str, done: int, total: int) -> str:
    """A bar with its percentage.

    >>> progress_line("scanning", 1, 2)
    'scanning ███████████████░░░░░░░░░░░░░░░ 50 %'
    """
    filled = BAR * done // max(total, 1)
    return f"{what} {'█' * filled}{'░' * (BAR - filled)} {100 * done // max(total, 1)} %"
