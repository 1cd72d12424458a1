"""What the ``ft`` commands ask of the program that they live in, beyond the target: a place to
write to, and the user's wishes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, TextIO


class Host(Protocol):
    """The debugger's side of the conversation.

    ``gdb/host.py`` and ``lldb/host.py`` have one each.
    """

    def write(self, text: str) -> None:
        """Show text to the user, as the debugger shows its own."""

    def width(self) -> int | None:
        """The debugger's own line width in columns; None if it leaves that to the terminal."""

    def wants_color(self) -> bool:
        """Whether the debugger's own style setting allows colours."""

    def check_interrupt(self) -> None:
        """Raise KeyboardInterrupt if the user has pressed Ctrl-C since the command began."""

    def register(
        self,
        name: str,
        run: Callable[[str], bool],
        complete: Callable[[str, str], list[str]],
        commands: Commands,
    ) -> None:
        """Make ``name`` a command of the debugger's.

        ``run`` takes what stands behind the name, and tells by its result whether all went well;
        ``complete`` takes the same and the word that is being typed, and gives the words that it
        may become.  Doing it again replaces what was there.
        """


class Commands(Protocol):
    """The subcommands of a command."""

    @property
    def help(self) -> str:
        """What the command is for, in one line."""

    @property
    def names(self) -> Sequence[str]:
        """The subcommands."""

    def summary(self, name: str) -> str:
        """One line on a subcommand."""

    def description(self, name: str) -> str:
        """Its usage and what it does."""


def terminal() -> TextIO:
    """What stands behind the debugger's output, to be asked whether it is a terminal and which
    letters it has.

    ``sys.stdout`` is the debugger's own there, and says nothing of the kind.
    """
    return sys.__stdout__ or open(os.devnull, "w", encoding="ascii")


def progress(stream: TextIO, text: str) -> None:
    """Replace the line that the cursor is on.  Not the debugger's output, so it is not paged."""
    stream.write(f"\r{text}\x1b[K")
    stream.flush()


WHEEL_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "PYTHONLOADER_LIBPYTHON")
"""The debuggers' wheels start with these for their own Python; inherited by the program they would
break any Python there.
"""
