"""SARIF 2.1.0 (OASIS), for code scanning: one result a finding, with the stack, the race and the
crash's fingerprint.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from gdbext.model import Confidence, Finding, Report, ThreadInfo
from gdbext.reports import story
from gdbext.reports.contract import to_json
from gdbext.reports.github import location, relative
from gdbext.reports.options import Options
from gdbext.reports.sanitize import CI_COMMAND, visible
from gdbext.reports.stack import merged
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "SRCROOT"
FRAMES_SHOWN = 64
MOST = 100


def render(report: Report, options: Options) -> str:
    """The report as a SARIF 2.1.0 log with one run."""
    report = options.prepared(report)
    run: dict[str, Any] = {
        "tool": {"driver": _driver(report)},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": "gdbext/"},
        "invocations": [_invocation(report)],
        "results": [
            _result(report, f, options, is_first=i == 0)
            for i, f in enumerate(report.findings[:MOST])
        ],
        "properties": {
            "target": to_json(report.target),
            "crash": to_json(report.crash),
            "race": to_json(report.race),
            **({"consensus": to_json(report.consensus)} if report.consensus else {}),
        },
    }
    if options.root:
        run["originalUriBaseIds"] = {ROOT: {"description": {"text": "The checkout."}}}
    text = json.dumps(
        {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True
    )
    return CI_COMMAND.sub(r"#\\u0023\1", text).replace("\x7f", "\\u007f") + "\n"


def _driver(report: Report) -> dict[str, Any]:
    harmless = {f.rule for f in report.findings if f.is_all_well}
    titles = {f.rule: visible(f.name) or f.rule for f in report.findings}
    return {
        "name": report.tool.name,
        "version": report.tool.version,
        "rules": [
            {
                "id": rule,
                "name": "".join(word.capitalize() for word in re.findall(r"\w+", title)),
                "shortDescription": {"text": title},
                "defaultConfiguration": {"level": "none" if rule in harmless else "error"},
            }
            for rule, title in sorted(titles.items())
        ],
    }


def _invocation(report: Report) -> dict[str, Any]:
    """Ours, not the program's: how the program ended is in the run's properties."""
    notifications = [
        {
            "level": "error",
            "message": {"text": visible(e.message)},
            "descriptor": {"id": visible(e.section, 60)},
        }
        for e in report.errors
    ]
    return {"executionSuccessful": not report.errors, "toolExecutionNotifications": notifications}


def _result(report: Report, finding: Finding, options: Options, is_first: bool) -> dict[str, Any]:
    is_good = finding.is_all_well
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "kind": "pass" if is_good else "fail",
        "level": "none"
        if is_good
        else "warning"
        if finding.confidence is Confidence.POSSIBLE
        else "error",
        "message": {"text": _message(report, finding)},
        "properties": {
            "confidence": finding.confidence.value,
            "subject": to_json(finding.subject),
            "container": to_json(finding.container),
        },
    }
    at = location(report, finding, options.root)
    if at is not None:
        result["locations"] = [_location(*at, options.root)]
    if report.race is not None and not is_good:
        result["relatedLocations"] = [
            _location(
                t.file,
                t.line,
                options.root,
                (
                    f"{visible(t.name or f'LWP {t.lwp}', 60)}: "
                    f"{visible(operation_text(t.operation), 80)}"
                ),
            )
            for t in report.race.threads
            if t.file
        ]
    crashed = [t for t in report.threads if t.crashed or t.lwp in finding.threads[:1]]
    if crashed and is_first and not is_good:
        result["stacks"] = [_stack(thread, options.root) for thread in crashed[:4]]
    if report.signature is not None:
        result["partialFingerprints"] = {"gdbextSignature/v1": report.signature.id}
    return result


def _message(report: Report, finding: Finding) -> str:
    lines = [f"{visible(sentence(finding.title))} ({finding.confidence})."]
    lines += [
        f"- {'✗ ' if e.broken else ''}{story.claim_text(e, verbose=True)}"
        for e in finding.evidence[:40]
    ]
    if report.consensus is not None:
        lines.append(visible(f"{story.consensus_summary(report.consensus)}."))
    for issue in report.known_issues[:1]:
        fixed = f", fixed in {', '.join(issue.fixed_in)}" if issue.fixed_in else ""
        lines.append(visible(f"Known: {issue.id} {issue.title}{fixed}."))
    lines += [visible(finding.advice)] if finding.advice else []
    return "\n".join(map(_text, lines))


def _text(line: str) -> str:
    """SARIF reads ``[text](1)`` as a link and ``{0}`` as a placeholder; both are escaped."""
    return re.sub(r"([\\\[\]])", r"\\\1", line).replace("{", "{{").replace("}", "}}")


def _location(
    file: str, line: int | None, root: str | None, message: str | None = None
) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(file, root)}
    if line is not None and line > 0:
        physical["region"] = {"startLine": line}
    place: dict[str, Any] = {"physicalLocation": physical}
    if message is not None:
        place["message"] = {"text": _text(message)}
    return place


def _artifact(file: str, root: str | None) -> dict[str, Any]:
    below = relative(file, root)
    # Percent-encoded, whatever bytes the file's name is made of.
    uri = quote(below, safe="/", errors="surrogatepass")
    if below != file:
        return {"uri": uri, "uriBaseId": ROOT}
    return {"uri": f"file://{uri}" if file.startswith("/") else uri}


def _stack(thread: ThreadInfo, root: str | None) -> dict[str, Any]:
    frames = []
    for entry in merged(thread)[:FRAMES_SHOWN]:
        place = _location(entry.file, entry.line, root) if entry.file else {}
        place["logicalLocations"] = [
            {"fullyQualifiedName": visible(entry.function, 200), "kind": "function"}
        ]
        frame: dict[str, Any] = {"location": place, "threadId": thread.lwp}
        if entry.native is not None:
            frame["module"] = visible(entry.native.module or "", 200)
            frame["parameters"] = [visible(argument, 100) for argument in entry.native.arguments]
        frames.append(frame)
    return {"message": {"text": _text(story.thread_name(thread))}, "frames": frames}
