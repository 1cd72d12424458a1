"""``ft export FORMAT FILE``"""

from __future__ import annotations

import dataclasses
import os

from gdbext.commands.command import Arguments, Command, Context, DebuggerError, Option, UsageError
from gdbext.diagnosis.diagnose import diagnose
from gdbext.reports import formats
from gdbext.reports.options import Options


def run(context: Context, arguments: Arguments) -> None:
    name, path = arguments.words
    if name not in formats.FORMATS:
        raise UsageError(f"no format `{name}`; there are: {', '.join(formats.FORMATS)}")
    options = dataclasses.replace(Options(), redact=arguments.flag("--redact"))
    content = formats.render(diagnose(context.session), name, options)
    path = os.path.expanduser(path)
    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(content)
    except OSError as error:
        raise DebuggerError(f"cannot write {path}: {error.strerror}") from None
    context.write(f"wrote {path}\n")


COMMAND = Command(
    "export",
    "write the triage report to a file",
    f"Formats: {', '.join(formats.FORMATS)}.",
    run,
    ("FORMAT", "FILE"),
    (Option("--redact", "leave out every value of the program"),),
    ("ft export html crash.html", "ft export json crash.json"),
    lambda: tuple(formats.FORMATS),
)
