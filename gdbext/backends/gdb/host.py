"""gdb as a host of commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import gdb

from gdbext.backends.host import WHEEL_VARIABLES, Commands
from gdbext.target.protocol import DebuggerError


class GdbHost:
    """See :class:`gdbext.backends.host.Host`."""

    def write(self, text: str) -> None:
        gdb.write(text)

    def width(self) -> int | None:
        return gdb.parameter("width") or None

    def wants_color(self) -> bool:
        return bool(gdb.parameter("style enabled"))

    def check_interrupt(self) -> None:
        # gdb raises KeyboardInterrupt by itself, in the middle of Python code.
        pass

    def register(
        self,
        name: str,
        run: Callable[[str], bool],
        complete: Callable[[str, str], list[str]],
        commands: Commands,
    ) -> None:
        # The subcommands are not named here: they would have to be imported for that, which
        # start-up should not wait for.
        text = (
            f"{commands.help}\n\n"
            f"`{name} help` lists the commands, `{name} help COMMAND` describes one."
        )

        class Command(gdb.Command):  # type: ignore[misc]  # gdb has no types
            __doc__ = text

            def __init__(self) -> None:
                super().__init__(name, gdb.COMMAND_DATA)

            def invoke(self, argument: str, from_tty: bool) -> None:
                self.dont_repeat()
                run(argument)

            def complete(self, text: str, word: str | None) -> Any:
                if word is None:
                    return []  # gdb 15 and later first ask only where the word would begin
                # gdb breaks words at dashes as well, and wants what follows the last break.
                typed = "" if text.endswith(" ") else text.split(" ")[-1]
                if found := complete(text, typed):
                    return [each[len(typed) - len(word) :] for each in found]
                return gdb.COMPLETE_EXPRESSION if " " in text and not typed.startswith("-") else []

        Command()

    def register_mi(self, name: str, result: Callable[[], dict[str, Any]]) -> None:
        """Make ``name`` a command of gdb's machine interface, whose results are the dict's entries.

        MI has no null and no booleans: entries that are None are left out, booleans are the words
        ``true`` and ``false``.
        """

        class Command(gdb.MICommand):  # type: ignore[misc]  # gdb has no types
            def invoke(self, _arguments: list[str]) -> dict[str, Any]:
                try:
                    return {
                        key: _plain(value) for key, value in result().items() if value is not None
                    }
                except DebuggerError as error:
                    raise gdb.GdbError(str(error)) from None

        Command(name)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_plain(each) for each in value if each is not None]
    return value if isinstance(value, int) else str(value)


def unset_wheel_environment() -> None:
    """Keep what gdb's wheel sets for gdb's own Python away from programs that the user runs."""
    if "PYTHONHOME" in os.environ and "gdb_for_pwndbg" in gdb.parameter("data-directory"):
        for name in WHEEL_VARIABLES:
            gdb.execute(f"unset environment {name}", to_string=True)
