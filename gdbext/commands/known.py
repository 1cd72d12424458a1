"""``ft known``"""

from __future__ import annotations

from gdbext.commands.command import Arguments, Command, Context
from gdbext.diagnosis.diagnose import diagnose
from gdbext.reports.text_parts import TextPage


def run(context: Context, arguments: Arguments) -> None:
    page = TextPage(context.options)
    issues = diagnose(context.session).known_issues
    if not issues:
        page.line("no known CPython issue fits this crash")
    for issue in issues:
        page.line(
            f"{page.style('heading', issue.id)} {issue.title}  "
            f"{page.style('dim', str(issue.match))}"
        )
        page.line(f"  {issue.url}")
        if issue.fixed_in:
            page.flow(f"fixed in {', '.join(issue.fixed_in)}", 2)
        for text in (issue.why, issue.advice):
            if text:
                page.flow(text, 2)
    context.write(page.text())


COMMAND = Command(
    "known",
    "the known CPython issues that fit this crash",
    "Matches version, frames, types, operations and damage against the catalogue of\n"
    "free-threading issues.",
    run,
)
