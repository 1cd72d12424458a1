"""LLDB as a host of commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace

import lldb

from gdbext.backends.host import WHEEL_VARIABLES, Commands, terminal
from gdbext.backends.lldb.adapter import check_interrupt

UNSET_WIDTH = 80
"""What LLDB says of a terminal that it does not have, unless the user has set ``term-width``."""
CLASSES = SimpleNamespace()
"""The classes of the commands, where LLDB finds them by name."""


class LldbHost:
    """See :class:`gdbext.backends.host.Host`."""

    def __init__(self, debugger: lldb.SBDebugger) -> None:
        self._debugger = debugger
        self.result: lldb.SBCommandReturnObject | None = None
        """Of the command that is running."""

    def write(self, text: str) -> None:
        if self.result is not None:
            self.result.write(text)

    def width(self) -> int | None:
        width = self._debugger.GetTerminalWidth()
        is_default = width == UNSET_WIDTH and not terminal().isatty()
        return width if width and not is_default else None

    def wants_color(self) -> bool:
        return bool(self._debugger.GetUseColor())

    def check_interrupt(self) -> None:
        check_interrupt(self._debugger)

    def register(
        self,
        name: str,
        run: Callable[[str], bool],
        complete: Callable[[str, str], list[str]],
        commands: Commands,
    ) -> None:
        """LLDB itself completes the subcommands' names, and variables in their arguments;
        ``complete`` is not asked.
        """
        do(self._debugger, f"script import {__name__}")
        do(self._debugger, f"command container add --overwrite --help '{commands.help}' {name}")
        for each in commands.names:
            label = f"{name}_{each}_{self._debugger.GetID()}"
            setattr(CLASSES, label, _command_class(self, each, run, commands))
            options = f"--overwrite --class {__name__}.CLASSES.{label}"
            try:
                do(
                    self._debugger,
                    f"command script add {options} --completion-type variable-path {name} {each}",
                )
            except RuntimeError:
                # LLDB before 16 completes no arguments of scripted commands.
                do(self._debugger, f"command script add {options} {name} {each}")


def _command_class(
    host: LldbHost, name: str, run: Callable[[str], bool], commands: Commands
) -> type:
    class Command:
        """What LLDB wants of a command."""

        def __init__(self, debugger: lldb.SBDebugger, session: object) -> None:
            pass

        def __call__(
            self,
            debugger: lldb.SBDebugger,
            arguments: str,
            context: lldb.SBExecutionContext,
            result: lldb.SBCommandReturnObject,
        ) -> None:
            host.result = result
            try:
                if not run(f"{name} {arguments}"):
                    result.SetStatus(lldb.eReturnStatusFailed)
            finally:
                host.result = None

        def get_short_help(self) -> str:
            return commands.summary(name)

        def get_long_help(self) -> str:
            return commands.description(name)

    return Command


def do(debugger: lldb.SBDebugger, command: str) -> None:
    """Run one of LLDB's own commands.

    Raises:
        RuntimeError: with LLDB's complaint.
    """
    result = lldb.SBCommandReturnObject()
    debugger.GetCommandInterpreter().HandleCommand(command, result)
    if not result.Succeeded():
        raise RuntimeError(f"{command}: {result.GetError().strip()}")


def unset_wheel_environment(debugger: lldb.SBDebugger) -> None:
    """Keep what LLDB's wheel sets for LLDB's own Python away from programs that the user runs."""
    if "PYTHONLOADER_LIBPYTHON" in os.environ and hasattr(debugger, "GetSetting"):
        known = debugger.GetSetting("target.unset-env-vars")
        have = {known.GetItemAtIndex(i).GetStringValue(200) for i in range(known.GetSize())}
        if missing := [name for name in WHEEL_VARIABLES if name not in have]:
            do(debugger, f"settings append target.unset-env-vars {' '.join(missing)}")
