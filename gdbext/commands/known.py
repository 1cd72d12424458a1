"""``ft known``"""

from __future__ import annotations

from gdbext.commands.command import Arguments, Command, Context
from gdbext.triage.triage import triage


def run(context: Context, arguments: Arguments) -> None:
    style = context.style
    issues = triage(context.session).known_issues
    if not issues:
        context.write("no known CPython issue fits this crash\n")
    for issue in issues:
        context.write(f"{style('heading', issue.id)} {issue.title}  {style('dim', issue.match)}\n")
        context.write(f"  {issue.url}\n")
        if issue.fixed_in:
            context.write(f"  fixed in {', '.join(issue.fixed_in)}\n")
        for line in (issue.why, issue.advice):
            if line:
                context.write(f"  {line}\n")


COMMAND = Command(
    "known",
    "the known CPython issues that fit this crash",
    "Matches version, frames, types, operations and damage against the catalogue of free-threading issues.",
    run,
)
