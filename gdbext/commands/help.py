"""``ft help``"""

from __future__ import annotations

from gdbext.commands import dispatch
from gdbext.commands.command import Arguments, Command, Context


def run(context: Context, arguments: Arguments) -> None:
    style = context.style
    if arguments.words:
        chosen = dispatch.command(arguments.words[0])
        context.write(f"{style('heading', chosen.usage)}\n{chosen.summary}\n\n{chosen.description}\n")
        for option in chosen.options:
            context.write(f"  {option.name + (' ' + option.metavar if option.metavar else ''):<18} {option.help}\n")
        for example in chosen.examples:
            context.write(f"  {style('dim', 'for example:')} {example}\n")
        return
    context.write(style("heading", "gdbext explains crashes of free-threaded CPython.") + "\n")
    for name in dispatch.NAMES:
        chosen = dispatch.command(name)
        words = " ".join(chosen.positional)
        context.write(f"  {style('function', 'ft ' + name)} {words:<{max(20 - len(name), 1)}} {chosen.summary}\n")
    context.write(
        style("dim", "`ft help COMMAND` says more. An address may be any expression: a variable, a register, a number.\n")
    )


COMMAND = Command("help", "the commands, or one of them", "Lists the commands, or describes one.", run, ("[COMMAND]",))
