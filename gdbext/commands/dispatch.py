"""From the text behind ``ft`` to a command's run, its completion and its help.

Nothing here raises into the debugger.
"""

from __future__ import annotations

import importlib
import os
import traceback

from gdbext.commands.command import Command, Context, UsageError, parse
from gdbext.target.protocol import DebuggerError, MemoryFault
from gdbext.wording.suggest import did_you_mean

# The order of `ft help`.  Modules are imported when their command is first used: start-up stays
# quick.
NAMES = [
    "triage",
    "bt",
    "threads",
    "object",
    "list",
    "union",
    "heap",
    "locks",
    "referrers",
    "scan",
    "blame",
    "known",
    "export",
    "diff",
    "help",
]
MODULES = {"list": "list_", "object": "object_"}


def command(name: str) -> Command:
    """The command of that name, which may be cut short where it stays unique, as debuggers' own
    may.

    Raises:
        UsageError: if there is none.
    """
    matching = [n for n in NAMES if n.startswith(name)]
    if len(matching) == 1:
        name = matching[0]
    elif name not in NAMES:
        hint = f"there are: {', '.join(matching)}" if matching else did_you_mean(name, NAMES)
        raise UsageError(f"no command `ft {name}`; {hint}")
    found: Command = importlib.import_module(f"gdbext.commands.{MODULES.get(name, name)}").COMMAND
    return found


def run(context: Context, text: str) -> bool:
    """Run one ``ft`` line; mistakes and failures are reported in one line each.

    Returns whether all went well.
    """
    words = text.split()
    name = words[0] if words else "help"
    try:
        chosen = command(name)
        chosen.run(context, parse(chosen, words[1:]))
        return True
    except (UsageError, DebuggerError) as error:
        context.write(context.style("error", f"ft: {error}") + "\n")
    except MemoryFault as fault:
        context.write(
            context.style("error", f"ft: {fault}; it is unmapped, or was left out of the core")
            + "\n"
        )
    except KeyboardInterrupt:
        context.write(context.style("error", "ft: interrupted") + "\n")
    except Exception as error:  # A defect of ours must not end the user's `gdb -batch` script.
        if os.environ.get("GDBEXT_RAISE"):
            raise
        context.write(
            context.style(
                "error", f"ft: internal error in `ft {text}`: {type(error).__name__}: {error}"
            )
            + "\n"
        )
        context.write(context.style("dim", "".join(traceback.format_tb(error.__traceback__)[-1:])))
    return False


def complete(text: str, word: str) -> list[str]:
    """What may stand next in an ``ft`` line: ``text`` is all behind ``ft``, ``word`` the part being
    typed.
    """
    words = text.split()
    if not words or (len(words) == 1 and not text.endswith(" ")):
        return [n for n in NAMES if n.startswith(word)]
    try:
        chosen = command(words[0])
    except UsageError:
        return []
    if word.startswith("-") or not chosen.positional:
        return [o.name for o in chosen.options if o.name.startswith(word)]
    complete_words = [
        w for w in (words[1:] if text.endswith(" ") else words[1:-1]) if not w.startswith("--")
    ]
    return (
        [] if complete_words else [choice for choice in chosen.choices() if choice.startswith(word)]
    )
