"""Signals that reach gdbext instead of the command.

Both are in one process group, as a terminal and a shell want it.  What a terminal sends, or
somebody sends to the group, has reached the command already; what was sent to gdbext's own process
id is meant for the command and is passed on.  The tracer sees every signal that the command gets
and who sent it, so the two cases can be told apart.

One signal to gdbext's own process id is meant for gdbext: LOOK, to have a look at the command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

WAIT_SECONDS = 0.05
"""How long the command's own copy of a signal may take."""
MEMORY_SECONDS = 1.0
LOOK = int(signal.SIGUSR1)


class _Seen(NamedTuple):
    """A signal that some followed task got."""

    moment: float
    number: int
    sender: int
    task: int


class Relay:
    """Passes on to process ``pid`` what it did not get itself; for LOOK it calls ``look`` instead.

    ``process_of`` gives the process of a task; it is asked only when a signal matches, for it takes
    longer than all the rest.
    """

    def __init__(
        self, pid: int, process_of: Callable[[int], int], look: Callable[[], None]
    ) -> None:
        self._pid = pid
        self._look = look
        self._process_of = process_of
        self._seen: deque[_Seen] = deque(maxlen=256)
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
        for entry in self._seen:
            if (
                entry[1:3] == (number, sender)
                and now - entry.moment < MEMORY_SECONDS
                and self._process_of(entry.task) == self._pid
            ):
                self._seen.remove(entry)
                return
        self._waiting.append((now + WAIT_SECONDS, number, sender))

    def seen(self, task: int, number: int, sender: int | None) -> None:
        """A followed task got a signal."""
        if sender is None:
            return
        for entry in self._waiting:
            if entry[1:] == (number, sender) and self._process_of(task) == self._pid:
                self._waiting.remove(entry)
                return
        self._seen.append(_Seen(time.monotonic(), number, sender, task))

    def send_due(self) -> None:
        """Pass on what has waited long enough."""
        now = time.monotonic()
        for entry in [entry for entry in self._waiting if entry[0] <= now]:
            self._waiting.remove(entry)
            if entry[1] == LOOK:
                self._look()
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._pid, entry[1])
