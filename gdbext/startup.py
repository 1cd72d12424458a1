"""The ``ft`` commands, given to the debugger that has loaded gdbext: what gdbinit.py and
lldbinit.py share.

Almost nothing is imported before the first command runs, so that a line in a debugger's start-up
file costs milliseconds.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from gdbext.backends.host import Host, progress, terminal
from gdbext.garbage import Rarely, not_at_the_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gdbext.commands.command import Context
    from gdbext.target.protocol import Debugger

HELP = "Explains crashes of free-threaded CPython (gdbext)."


def install(host: Host, debugger: Debugger) -> None:
    """Make ``ft`` a command of the host's."""

    def run(text: str) -> bool:
        with Rarely():
            from gdbext.commands import dispatch

            return dispatch.run(context(host, debugger), text)

    host.register("ft", run, _complete, FtCommands())
    not_at_the_end()


def context(host: Host, debugger: Debugger) -> Context:
    """What one run of a command works with: colours and width as the debugger's user wants them."""
    from gdbext.commands.command import Context
    from gdbext.reports.options import detect

    stream = terminal()
    # A debugger whose styling is on leaves the rest to the terminal and NO_COLOR.
    options = detect(stream, color=None if host.wants_color() else False, width=host.width())
    show_progress = partial(progress, stream) if stream.isatty() else None
    return Context(debugger, host.write, options, host.check_interrupt, show_progress)


def report(debugger: Debugger) -> dict[str, Any]:
    """The JSON contract's content for this stop of the target."""
    from gdbext.diagnosis.diagnose import diagnose
    from gdbext.reports.contract import to_json
    from gdbext.session import current

    found: dict[str, Any] = to_json(diagnose(current(debugger)))
    return found


class FtCommands:
    """The subcommands of ``ft``, as :class:`gdbext.backends.host.Commands`."""

    help = HELP

    @property
    def names(self) -> Sequence[str]:
        """The commands."""
        from gdbext.commands import dispatch

        return dispatch.NAMES

    def summary(self, name: str) -> str:
        """One line of help."""
        from gdbext.commands import dispatch

        return dispatch.command(name).summary

    def description(self, name: str) -> str:
        """All that ``ft help NAME`` says."""
        from gdbext.commands import dispatch

        command = dispatch.command(name)
        return f"{command.usage}\n\n{command.description}"


def _complete(text: str, word: str) -> list[str]:
    from gdbext.commands import dispatch

    return dispatch.complete(text, word)
