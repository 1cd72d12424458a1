"""``gdbext run -- COMMAND``: run a command unchanged; if a Python in it dies or hangs, say why."""

from __future__ import annotations

import argparse
import os
import sys

from gdbext.cli import parsers
from gdbext.engine.outcome import USAGE, Failure
from gdbext.reports.formats import FORMATS

HELP = """\
The command's output, input, signals, terminal and exit status are its own
(128+N when signal N killed it). It runs free: it is traced, but stops at
nothing except signals, so races behave as they do without gdbext. Its child
processes are followed too, pytest-xdist's workers among them.

When a process dies of a fault or an abort, it is copied to a core at that very
moment, whatever core_pattern and `ulimit -c` say, and the core is diagnosed.
The report goes to stderr after the command's own output; --on-crash DIR also
gets it in every format, or in those that --format names. In a GitHub job the
step summary and annotations are written too.

To see what the command is doing, now, send SIGUSR1 to gdbext: `kill -USR1
PID`. Every Python in it is stopped while its memory is copied, and goes on;
the report comes on stderr at once, and with --on-crash DIR also as files
look-PID.N.*. This signal alone is not passed on to the command, unless it was
sent to the whole process group.

exit status:
  that of COMMAND; 126 or 127 when it cannot be started; 2 wrong usage;
  143 when --timeout ended it (SIGTERM; 137 where that took SIGKILL), unless
  COMMAND catches the signal and exits by itself

examples:
  gdbext run -- python3.13t -m pytest -n 4
  gdbext run --on-crash reports --timeout 1800 --keep-core -- python3.14t stress.py

limits: a process that is followed cannot be attached to by another tracer
(SIGUSR1 is the way to look at it), and programs that gain rights when they
start (sudo) do not gain them, unless gdbext runs as root. Debuggers and strace
that the command starts are let go."""


def parser() -> argparse.ArgumentParser:
    made = parsers.new_for_command("run", HELP)
    made.add_argument(
        "--on-crash", metavar="DIR", help="a folder for the reports, made when there is a crash"
    )
    made.add_argument(
        "--format",
        metavar="FORMAT",
        dest="formats",
        choices=tuple(FORMATS),
        action="append",
        help="which report; may be repeated (default: all of them)",
    )
    made.add_argument(
        "--timeout",
        metavar="S",
        type=parsers.seconds,
        help="diagnose what hangs after S seconds, then end the command",
    )
    made.add_argument(
        "--keep-core", action="store_true", help="keep the core, compressed (needs --on-crash)"
    )
    made.add_argument(
        "--chaos",
        action="store_true",
        help=(
            "stop single threads at random for some milliseconds, which widens the windows of races"
        ),
    )
    parsers.add_symbol_server(made)
    parsers.add_debugger(made)
    parsers.add_looks(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    command = parsers.command_to_run("run", arguments)
    if arguments.keep_core and not arguments.on_crash:
        raise Failure("--keep-core needs --on-crash DIR to keep it in", USAGE)
    if arguments.formats and not arguments.on_crash:
        raise Failure("--format needs --on-crash DIR for the reports", USAGE)
    if sys.platform != "linux":
        raise Failure("gdbext run needs Linux")
    from gdbext.tracing.diagnoses import RunOptions
    from gdbext.tracing.supervisor import supervise

    options = RunOptions(
        os.path.abspath(arguments.on_crash) if arguments.on_crash else None,
        arguments.formats or tuple(FORMATS),
        arguments.keep_core,
        arguments.debugger,
        arguments.redact,
        arguments.verbose,
        parsers.color(arguments),
        arguments.debuginfod,
    )
    return supervise(command, options, arguments.timeout, arguments.chaos)
