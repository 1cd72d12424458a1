"""``gdbext``: chooses the command, and loads nothing else."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from gdbext import garbage
from gdbext.engine.outcome import INTERRUPTED, USAGE, Failure

COMMANDS = {
    "triage": "diagnose a core",
    "run": "run a command; if a Python in it dies or hangs, say why",
    "attach": "diagnose a running process and let it go on",
    "gdb": "open a core in gdb: program found, commands loaded, triage shown",
    "lldb": "open a core in LLDB: program found, commands loaded, triage shown",
    "hunt": "run a command again and again, and say what its deaths have in common",
    "batch": "diagnose many cores and group equal crashes",
    "crashes": "what a store of crashes has: which are new, which rise, over time",
    "explain": "what a rule or a known issue means, and what to do about it",
    "doctor": "what this machine lacks for a full diagnosis, and how to mend it",
    "learn": "learn the layouts and instructions of an interpreter, for the cores of its build",
    "init": "make gdb or lldb load gdbext's commands",
    "completion": "print the completion script for a shell",
}

HELP = """\
usage: gdbext COMMAND [ARGUMENTS]

Explains crashes of free-threaded CPython, proven from memory.

commands:
{commands}

  gdbext COMMAND --help   describes one of them
  gdbext --version

examples:
  gdbext triage core.1234
  gdbext triage core.1234 --format json -o crash.json --format html -o crash.html
  gdbext run --on-crash reports -- python3.13t -m pytest
  gdbext batch /var/crash --markdown overview.md

`gdbext gdb CORE` and `gdbext lldb CORE` open the debugger with the same as `ft triage`, and more;
gdbext init makes a debugger load it at every start.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    garbage.collect_rarely()
    garbage.not_at_the_end()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words and sys.stdout.isatty():
        from gdbext.cli import start

        print(start.text(), end="")
        return USAGE
    name = words[0] if words else "--help"
    if name in ("-h", "--help", "help"):
        if len(words) > 1 and words[1] in COMMANDS:
            return main([words[1], "--help"])
        listing = "\n".join(f"  {name:<12}{summary}" for name, summary in COMMANDS.items())
        print(HELP.format(commands=listing), end="")
        return 0 if words else USAGE
    if name in ("-V", "--version"):
        import gdbext

        print(f"gdbext {gdbext.__version__}")
        return 0
    if name not in COMMANDS:
        print(f"gdbext: {_unknown(name)}", file=sys.stderr)
        return USAGE
    try:
        command = importlib.import_module(f"gdbext.cli.{name}")
        code: int = command.run(command.parser().parse_args(words[1:]))
        sys.stdout.flush()
        return code
    except Failure as failure:
        print(f"gdbext: {failure}", file=sys.stderr)
        return failure.code
    except SystemExit as stop:  # argparse: 2 after a usage message, 0 after --help
        return stop.code if isinstance(stop.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough; nothing is left to be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _unknown(name: str) -> str:
    from gdbext.wording.suggest import did_you_mean

    if os.path.isfile(name):
        return f"there is no command `{name}`; to diagnose that file: gdbext triage {name}"
    return f"there is no command `{name}`; {did_you_mean(name, COMMANDS)}"
