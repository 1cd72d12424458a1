"""``ft triage``"""

from __future__ import annotations

import dataclasses

from gdbext.commands.command import Arguments, Command, Context, Option
from gdbext.commands.frame_numbers import numbered
from gdbext.diagnosis.diagnose import diagnose
from gdbext.reports import text


def run(context: Context, arguments: Arguments) -> None:
    options = dataclasses.replace(
        context.options, verbose=arguments.flag("--verbose"), redact=arguments.flag("--redact")
    )
    report = numbered(diagnose(context.session), context.debugger)
    context.write(text.render(report, options))


COMMAND = Command(
    "triage",
    "what was wrong at the fault, what proves it, who raced, what to do",
    "Decodes the fault, judges every object that the crashed code works on against the heap,\n"
    "applies the rules, and names the race and the known CPython issue. Reads only.",
    run,
    (),
    (
        Option("--verbose", "all evidence, all threads"),
        Option("--redact", "leave out every value of the program"),
    ),
    ("ft triage", "ft triage --verbose"),
)
