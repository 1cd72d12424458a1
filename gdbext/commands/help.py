"""``ft help``"""

from __future__ import annotations

from gdbext.commands import dispatch
from gdbext.commands.command import Arguments, Command, Context
from gdbext.reports.text_parts import aligned, wrap


def run(context: Context, arguments: Arguments) -> None:
    style = context.style
    if arguments.words:
        chosen = dispatch.command(arguments.words[0])
        context.write(f"{style('heading', chosen.usage)}\n{chosen.summary}\n\n")
        for line in wrap(" ".join(chosen.description.split()), context.options.width):
            context.write(f"{line}\n")
        for option in chosen.options:
            context.write(
                f"  {f'{option.name} {option.metavar or str()}'.rstrip():<18} {option.help}\n"
            )
        for example in chosen.examples:
            context.write(f"  {style('dim', 'for example:')} {example}\n")
        return
    context.write(style("heading", "gdbext explains crashes of free-threaded CPython.") + "\n")
    rows = []
    for name in dispatch.NAMES:
        chosen = dispatch.command(name)
        rows.append(
            [
                style("function", f"ft {name}") + chosen.usage.removeprefix(f"ft {name}"),
                chosen.summary,
            ]
        )
    context.write("".join(f"  {row}\n" for row in aligned(rows)))
    context.write(
        style(
            "dim",
            "`ft help COMMAND` says more. "
            "An address may be any expression: a variable, a register, a number.\n",
        )
    )


COMMAND = Command(
    "help",
    "the commands, or one of them",
    "Lists the commands, or describes one.",
    run,
    ("[COMMAND]",),
    (),
    ("ft help", "ft help list"),
    lambda: tuple(dispatch.NAMES),
)
