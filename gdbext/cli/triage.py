"""``gdbext triage CORE``: diagnose a core."""

from __future__ import annotations

import argparse
import os
from typing import Any

from gdbext.cli import compressed, outputs, parsers
from gdbext.engine.answer import diagnose
from gdbext.engine.outcome import USAGE, Failure
from gdbext.reports.formats import STDOUT

EXIT_STATUS = """\
exit status:
  0  diagnosed (with or without findings)
  2  wrong usage
  3  the target cannot be opened
  4  diagnosed in part: some sections failed (see `errors` in the JSON)

examples:
  gdbext triage core.1234
  gdbext triage core.1234.zst --format json | jq '.findings[0]'
  gdbext triage core -o crash.html -o crash.sarif
  gdbext triage core.1234 yesterday.json

The program is found from the core itself and compared with it by build id.
Cores compressed with zstd, gzip, xz or lz4 are read as they are. Nothing of
the target is run, and no script that lies beside it is loaded.

--debuginfod URL asks that server, and no other, for the debug information of
the core's files, by their build ids; what comes is kept in your cache.
DEBUGINFOD_URLS is not used.

Given two cores or more, or reports in JSON among them, it says what they share
and where they differ (as text or json)."""


def parser() -> argparse.ArgumentParser:
    made = parsers.new("triage", EXIT_STATUS)
    made.add_argument(
        "core",
        metavar="CORE",
        nargs="+",
        help="the core file; given several, or reports in JSON, it says what they share",
    )
    parsers.add_program(made)
    parsers.add_symbol_server(made)
    parsers.add_one_debugging(made)
    outputs.add_options(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    request = report_request(arguments)
    if len(arguments.core) > 1:
        from gdbext.cli import differences

        return differences.run(arguments, request, diagnose_core)
    return diagnose_core(arguments.core[0], arguments, request)


def diagnose_core(path: str, arguments: argparse.Namespace, request: dict[str, Any]) -> int:
    """Diagnose a core as the arguments say; returns the exit status.

    Raises:
        Failure: when it cannot be unpacked, or no debugger can do it.
    """
    request = {**request, "shown": path, "debuginfod": arguments.debuginfod}
    for name, file in (("executable", arguments.exe), ("sysroot", arguments.sysroot)):
        request[name] = os.path.abspath(file) if file else None
    try:
        with compressed.unpacked(path) as core:
            return diagnose(
                {**request, "core": os.path.abspath(core)}, arguments.debugger, arguments.timeout
            )
    except compressed.UnpackError as error:
        raise Failure(str(error)) from None


def report_request(arguments: argparse.Namespace) -> dict[str, Any]:
    """The part of a request that says which reports are wanted, and how they look."""
    try:
        chosen = outputs.pair(arguments.outputs)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    return {
        "outputs": [
            (name, file if file == STDOUT else os.path.abspath(file)) for name, file in chosen
        ],
        "redact": arguments.redact,
        "verbose": arguments.verbose,
        "color": parsers.color(arguments),
    }
