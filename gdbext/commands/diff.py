"""``ft diff FILE``"""

from __future__ import annotations

import os

from gdbext.commands.command import Arguments, Command, Context, DebuggerError
from gdbext.diagnosis.diagnose import diagnose
from gdbext.hunt.compare import compare, text
from gdbext.reports.json_report import NotAReport, parse


def run(context: Context, arguments: Arguments) -> None:
    path = os.path.expanduser(arguments.words[0])
    try:
        with open(path, "rb") as stream:
            other = parse(stream.read())
    except (OSError, NotAReport) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise DebuggerError(f"cannot read {path}: {said}") from None
    found = compare([diagnose(context.session), other])
    context.write(text(found, ["this", path], context.options))


COMMAND = Command(
    "diff",
    "what this crash and an earlier report share, and where they differ",
    "FILE is a report in JSON: of `ft export json FILE`, or of `gdbext triage`.",
    run,
    ("FILE",),
    (),
    ("ft diff yesterday.json",),
)
