"""A progress line for what takes long; Ctrl-C ends a walk with what it has."""

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


def counter(context: Context, what: str) -> Callable[[int], None]:
    """A function of a number that shows it behind ``what``, with the seconds that it took to come
    so far; for what has no known end.
    """
    began = time.monotonic()
    last = 0.0

    def show(count: int) -> None:
        nonlocal last
        now = time.monotonic()
        if context.show_progress is None or now - last < INTERVAL:
            return
        last = now
        context.show_progress(f"{what}: {count}, {now - began:.0f} s")

    return show


def finished(context: Context) -> None:
    """Take the progress line away, where the end of what it tells of did not."""
    if context.show_progress is not None:
        context.show_progress("")
