"""What the commands' parsers have in common: how they are made, and options of several commands."""

from __future__ import annotations

import argparse
import os
from functools import partial
from typing import Any

from gdbext.cli.main import COMMANDS
from gdbext.engine import launch
from gdbext.engine.outcome import USAGE, Failure

WIDTH = 80
"""Of help, in columns, where there is no terminal."""
ROOT_OF_TARGET = "a folder that stands for / of the machine or container where it crashed"


class Parser(argparse.ArgumentParser):
    """One that says which option a person may have meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse has it, but an option that does not exist is an error here already: the
        parser of a subcommand knows its own.
        """
        found, left = super().parse_known_args(args, namespace)
        if unknown := next((word for word in left if word.startswith("-")), None):
            self.error(f"unrecognized arguments: {' '.join(left)}{self._meant(unknown)}")
        return found, left

    def _meant(self, word: str) -> str:
        from gdbext.wording.suggest import nearest

        options = {name.lstrip("-"): name for name in self._option_string_actions}
        names = nearest(word.partition("=")[0].lstrip("-"), options)
        return f"; did you mean {' or '.join(options[name] for name in names)}?" if names else ""


def new(name: str, epilog: str, usage: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command ``name``, described as in the list of commands."""
    return Parser(
        prog=f"gdbext {name}",
        usage=usage,
        description=COMMANDS[name].capitalize() + ".",
        epilog=epilog,
        # argparse makes one for each argument, and would load shutil to learn the width.
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=_columns() - 2),
    )


def _columns() -> int:
    """How wide the terminal is, as ``shutil.get_terminal_size`` has it."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(1).columns or WIDTH
    except OSError:
        return WIDTH


# --- a command to run ----------------------------------------------------------------------------


def new_for_command(name: str, epilog: str) -> argparse.ArgumentParser:
    """The parser of a command that runs another one, which stands behind ``--``."""
    made = new(name, epilog, usage=f"gdbext {name} [options] -- COMMAND [ARGUMENT …]")
    made.add_argument(
        "command",
        metavar="COMMAND",
        nargs=argparse.REMAINDER,
        help="what to run, and its arguments",
    )
    return made


def command_to_run(name: str, arguments: argparse.Namespace) -> list[str]:
    """The words of the command that ``gdbext NAME`` is to run.

    Raises:
        Failure: when there is none.
    """
    words: list[str] = arguments.command
    command = words[1:] if words[:1] == ["--"] else words
    if not command:
        raise Failure(f"{name} what? gdbext {name} [options] -- COMMAND [ARGUMENT …]", USAGE)
    return command


# --- a debugger, and the program that it looks at ------------------------------------------------


def add_debugger(parser: argparse.ArgumentParser) -> None:
    """Which debugger."""
    parser.add_argument(
        "--debugger", choices=("auto", *launch.NAMES), default="auto", help=launch.DEFAULT
    )


def add_one_debugging(parser: argparse.ArgumentParser) -> None:
    """Which debugger, and how long it may take, where it looks at one target."""
    add_debugger(parser)
    add_timeout(parser, 300.0, "seconds after which the debugger is stopped")


def add_program(
    parser: argparse.ArgumentParser,
    program: str = "the program that made it, where it cannot be found from the core",
    sysroot: str = ROOT_OF_TARGET,
) -> None:
    """Where the program of a core is."""
    parser.add_argument("--exe", metavar="EXE", help=program)
    parser.add_argument("--sysroot", metavar="DIR", help=sysroot)


def add_symbol_server(parser: argparse.ArgumentParser) -> None:
    """Where debug information may come from that is not on this machine."""
    parser.add_argument(
        "--debuginfod",
        metavar="URL",
        type=server,
        help="a symbol server to ask for debug information that is not here (default: no network)",
    )


def add_timeout(parser: argparse.ArgumentParser, default: float, what: str) -> None:
    """How long a debugger may take."""
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=seconds,
        default=default,
        help=f"{what} (default: %(default)g)",
    )


# --- how reports look ----------------------------------------------------------------------------


def add_looks(group: Any) -> None:
    """The options that say how a report looks; ``group`` is a parser, or one of its groups."""
    group.add_argument(
        "--redact",
        action="store_true",
        help="leave every value of the program out; types, sizes and structure stay",
    )
    group.add_argument(
        "--verbose", action="store_true", help="all evidence, and every thread's stack, in the text"
    )
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours in the text (default: on a terminal)",
    )


def color(arguments: argparse.Namespace) -> bool | None:
    """What ``--color`` says; None for ``auto``."""
    return {"always": True, "never": False}.get(arguments.color)


# --- numbers, addresses --------------------------------------------------------------------------


def count(text: str) -> int:
    """An argument's type: at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def seconds(text: str) -> float:
    """An argument's type: a time above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def server(text: str) -> str:
    """An argument's type: the address of a symbol server."""
    from gdbext.engine import debuginfod

    if not debuginfod.is_server(text):
        raise argparse.ArgumentTypeError(f"a server's address is https://…, not {text}")
    return text
