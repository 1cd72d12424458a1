"""Random stops of single threads, a few milliseconds each: they widen the windows in which threads
race.
"""

from __future__ import annotations

import random
import time

from gdbext.tracing.tracer import Tracer

SHORTEST, LONGEST = 0.0005, 0.005
"""Seconds of a pause: from a few thousand bytecodes of the other threads to a scheduler's time
slice.
"""
BETWEEN = 0.003
"""Mean seconds from the end of a pause to the next one."""


class Pauses:
    """Pauses one thread of the command at a time.  Call :meth:`turn` when :attr:`due` has come."""

    def __init__(self, tracer: Tracer, seed: int | None = None) -> None:
        self._tracer = tracer
        self._random = random.Random(seed)
        self._task: int | None = None
        self.due = time.monotonic() + self._random.expovariate(1 / BETWEEN)
        """When there is something to do next, by the monotonic clock."""

    def turn(self) -> None:
        """End the pause that is on, or begin one."""
        now = time.monotonic()
        if now < self.due:
            return
        if self._task is not None:
            self._tracer.end_pause(self._task)
            self._task = None
            self.due = now + self._random.expovariate(1 / BETWEEN)
        else:
            self._task = self._tracer.pause(self._random.choice)
            self.due = now + self._random.uniform(SHORTEST, LONGEST)
