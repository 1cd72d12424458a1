"""A progress line for long walks; Ctrl-C ends the walk with what it has."""

from __future__ import annotations

import time
from collections.abc import Callable

from gdbext.commands.command import Context
from gdbext.reports.progress import progress_line

INTERVAL = 0.1


def reporter(context: Context, what: str) -> Callable[[int, int], None]:
    """A function of (done, total) that shows how far ``what`` is, and lets Ctrl-C through."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        context.check_interrupt()
        now = time.monotonic()
        if context.show_progress is None or (now - last < INTERVAL and done < total):
            return
        last = now
        context.show_progress("" if done >= total else progress_line(what, done, total))

    return report


def finished(context: Context) -> None:
    """Take the progress line away, which a walk that Ctrl-C ended has left half way."""
    if context.show_progress is not None:
        context.show_progress("")
