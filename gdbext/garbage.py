"""Garbage collection put off: most of what gdbext does ends before there is garbage worth
collecting, which else takes a tenth of its time.
"""

from __future__ import annotations

import atexit
import gc

RARELY = 500_000
"""New objects before Python collects, 700 as a rule."""


def collect_rarely() -> None:
    """From now on; for a process that is gdbext's own."""
    gc.set_threshold(RARELY)


def not_at_the_end() -> None:
    """As long as Python ends, it collects several times: all that is left goes with the process."""
    atexit.register(gc.freeze)


class Rarely:
    """As long as a ``with`` block runs, in a process that is somebody else's, whose own setting is
    put back.

    >>> before = gc.get_threshold()
    >>> with Rarely():
    ...     gc.get_threshold()[0] == RARELY
    True
    >>> gc.get_threshold() == before
    True
    """

    def __enter__(self) -> None:
        self._usual = gc.get_threshold()
        # Where it is switched off, or is rarer still, it stays so.
        if 0 < self._usual[0] < RARELY:
            gc.set_threshold(RARELY, *self._usual[1:])

    def __exit__(self, *_: object) -> None:
        gc.set_threshold(*self._usual)
