"""What a command is, and what it gets to work with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import field

from gdbext.frozen import dataclass
from gdbext.reports.options import Options
from gdbext.reports.style import Style
from gdbext.session import Session, current
from gdbext.target.protocol import Debugger, DebuggerError


class UsageError(Exception):
    """The user's words do not fit the command; the message says what would."""


@dataclass
class Context:
    """One run of one command.

    ``write`` takes whole lines' text; ``check_interrupt`` raises KeyboardInterrupt when the user
    has pressed Ctrl-C, in debuggers that do not raise it themselves.
    """

    debugger: Debugger
    write: Callable[[str], None]
    options: Options = field(default_factory=Options)
    check_interrupt: Callable[[], None] = lambda: None
    show_progress: Callable[[str], None] | None = None
    """Replaces the progress line's text; None where output is not a terminal."""

    @property
    def style(self) -> Style:
        """The colours that the answer is written in."""
        return Style(self.options.colors, self.options.style)

    @property
    def session(self) -> Session:
        """The stopped target, read once for all commands until it runs again."""
        return current(self.debugger)

    def address(self, expression: str) -> int:
        """The address that an argument means: a number, a register, a variable, any expression of
        the debugger.
        """
        return self.debugger.evaluate(expression)


@dataclass(frozen=True)
class Option:
    """``--name`` or, with ``metavar``, ``--name VALUE``."""

    name: str
    help: str
    metavar: str | None = None


@dataclass(frozen=True)
class Command:
    """A command declared: help and completion are made of this.

    ``positional`` are the arguments' names as usage shows them, ``[NAME]`` for one that may be left
    out.  An ``ADDRESS`` or a ``FILE`` takes the words that are too many: an expression, or a file's
    name, may have spaces in it.  ``choices`` are the words that the first argument may be, for
    completion.
    """

    name: str
    summary: str
    description: str
    run: Callable[[Context, Arguments], None]
    positional: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    choices: Callable[[], Sequence[str]] = tuple

    @property
    def usage(self) -> str:
        """The command's line of usage: ``ft list [--stale] ADDRESS``."""
        options = [f"[{o.name}{' ' + o.metavar if o.metavar else ''}]" for o in self.options]
        return " ".join(["ft", self.name, *options, *self.positional])


@dataclass
class Arguments:
    """A command line taken apart: option values by name (True for flags), and the words."""

    options: dict[str, str | bool] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def flag(self, name: str) -> bool:
        """Whether an option without a value was given."""
        return bool(self.options.get(name))

    def value(self, name: str) -> str | None:
        """The value of an option; None where it was not given."""
        found = self.options.get(name)
        return found if isinstance(found, str) else None


def parse(command: Command, words: Sequence[str]) -> Arguments:
    """Match the words against the command's declaration.

    Raises:
        UsageError: with one line that names the mistake and the usage.
    """
    arguments = Arguments()
    known = {o.name: o for o in command.options}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            arguments.words += rest
            break
        if not word.startswith("--"):
            arguments.words.append(word)
            continue
        name, has_value, value = word.partition("=")
        option = known.get(name)
        if option is None:
            raise UsageError(f"ft {command.name} has no option {name}; usage: {command.usage}")
        if option.metavar is None and not has_value:
            arguments.options[name] = True
        elif option.metavar is None:
            raise UsageError(f"{name} takes no value; usage: {command.usage}")
        elif has_value:
            arguments.options[name] = value
        elif rest:
            arguments.options[name] = rest.pop(0)
        else:
            raise UsageError(f"{name} wants {option.metavar}; usage: {command.usage}")
    arguments.words = _joined(command, arguments.words)
    required = [p for p in command.positional if not p.startswith("[")]
    if len(arguments.words) < len(required):
        raise UsageError(
            f"ft {command.name} wants {required[len(arguments.words)]}; usage: {command.usage}"
        )
    if len(arguments.words) > len(command.positional):
        most = len(command.positional)
        raise UsageError(f"ft {command.name} takes {COUNTS[most]}; usage: {command.usage}")
    return arguments


COUNTS = ("no arguments", "one argument", "two arguments")
RANGE = re.compile(r"[-+\d]\S*|\S*(?<!:):(?!:)\S*")
"""What is meant for a range's place: a number, or something with a single colon."""


def _joined(command: Command, words: list[str]) -> list[str]:
    """The words with those that belong to one argument put together."""
    places = [name.strip("[]") for name in command.positional]
    if "ADDRESS" in places and places[-1] == "FIRST:LAST" and len(words) > 1:
        return (
            [" ".join(words[:-1]), words[-1]] if RANGE.fullmatch(words[-1]) else [" ".join(words)]
        )
    if places and places[-1] in ("ADDRESS", "FILE") and len(words) > len(places):
        return [*words[: len(places) - 1], " ".join(words[len(places) - 1 :])]
    return words


__all__ = ["Arguments", "Command", "Context", "DebuggerError", "Option", "UsageError", "parse"]
