"""How a command of gdbext ends: its exit status, or why it can do nothing.

Imports nothing, so that start-up does not wait for it.
"""

from __future__ import annotations

DIAGNOSED, USAGE, CANNOT_OPEN, PARTIAL, INTERRUPTED = 0, 2, 3, 4, 130


class Failure(Exception):
    """A command cannot do its work; ``code`` is the exit status, the message what a person should
    know.
    """

    def __init__(self, message: str, code: int = CANNOT_OPEN) -> None:
        super().__init__(message)
        self.code = code
