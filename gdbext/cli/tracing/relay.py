"""Signals that reach gdbext instead of the command.

Both are in one process group, as a terminal and a shell want it.  What a terminal sends, or somebody sends to the group,
has reached the command already; what was sent to gdbext's own process id is meant for the command and is passed on.  The
tracer sees every signal that the command gets and who sent it, so the two cases can be told apart.
"""

from __future__ import annotations

import contextlib
import os
import time

WAIT_SECONDS = 0.05
"""How long the command's own copy of a signal may take."""
MEMORY_SECONDS = 1.0


class Relay:
    """Passes on to ``pid`` what it did not get itself."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: list[tuple[float, int, int | None]] = []
        self._waiting: list[tuple[float, int, int]] = []

    @property
    def due(self) -> float | None:
        """When :meth:`send_due` has something to do next, by the monotonic clock."""
        return min((moment for moment, _, _ in self._waiting), default=None)

    def received(self, number: int, sender: int | None) -> None:
        """gdbext got a signal; ``sender`` is None for the kernel, so for the terminal."""
        if sender is None:
            return
        now = time.monotonic()
        self._seen = [entry for entry in self._seen if now - entry[0] < MEMORY_SECONDS]
        for entry in self._seen:
            if entry[1:] == (number, sender):
                self._seen.remove(entry)
                return
        self._waiting.append((now + WAIT_SECONDS, number, sender))

    def seen(self, number: int, sender: int | None) -> None:
        """The command got a signal."""
        for entry in self._waiting:
            if entry[1:] == (number, sender):
                self._waiting.remove(entry)
                return
        self._seen.append((time.monotonic(), number, sender))

    def send_due(self) -> None:
        now = time.monotonic()
        for entry in [entry for entry in self._waiting if entry[0] <= now]:
            self._waiting.remove(entry)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._pid, entry[1])
