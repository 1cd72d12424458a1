"""``gdbext triage A B``: what two crashes share, and where they differ."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from gdbext.engine.outcome import DIAGNOSED, PARTIAL, USAGE, Failure
from gdbext.hunt.compare import compare, data, text
from gdbext.model import Report
from gdbext.reports.formats import STDOUT
from gdbext.reports.json_report import NotAReport, parse
from gdbext.reports.options import detect
from gdbext.reports.redact import redact

FORMATS = ("text", "json")
Diagnose = Callable[[str, argparse.Namespace, dict[str, Any]], int]


def run(arguments: argparse.Namespace, request: dict[str, Any], diagnose: Diagnose) -> int:
    """Compare cores, and reports in JSON; returns the exit status.  ``diagnose`` makes a core's
    report, as ``triage.diagnose_core`` does.

    Raises:
        Failure: for what can be neither diagnosed nor read.
    """
    chosen: Sequence[tuple[str, str]] = request["outputs"]
    for name, _ in chosen:
        if name not in FORMATS:
            raise Failure(f"a comparison is text or json, not {name}", USAGE)
    statuses, reports = [], []
    for path in arguments.core:
        status, report = _report(path, arguments, request, diagnose)
        if report is None:
            return status
        statuses.append(status)
        reports.append(report)
    found = compare(reports)
    for name, file in chosen:
        stream = sys.stdout if file == STDOUT else None
        color = request["color"] if stream else False
        options = detect(stream or sys.stdout, color=color)
        content = (
            text(found, arguments.core, options)
            if name == "text"
            else json.dumps(data(found, arguments.core), indent=2) + "\n"
        )
        _write(content, file)
    return PARTIAL if PARTIAL in statuses else DIAGNOSED


def _report(
    path: str, arguments: argparse.Namespace, request: dict[str, Any], diagnose: Diagnose
) -> tuple[int, Report | None]:
    """(exit status, the report on a core or in a file)."""
    try:
        with open(path, "rb") as stream:
            if stream.read(1) == b"{":
                stream.seek(0)
                report = parse(stream.read())
                return DIAGNOSED, redact(report) if request["redact"] else report
    except (OSError, NotAReport) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise Failure(f"cannot read {path}: {said}") from None
    with tempfile.TemporaryDirectory(prefix="gdbext-") as folder:
        file = os.path.join(folder, "report.json")
        status = diagnose(path, arguments, {**request, "outputs": [("json", file)]})
        if status not in (DIAGNOSED, PARTIAL):
            return status, None
        with open(file, "rb") as stream:
            return status, parse(stream.read())


def _write(content: str, file: str) -> None:
    if file == STDOUT:
        sys.stdout.write(content)
        return
    try:
        with open(file, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(content)
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}", USAGE) from None
