"""JUnit XML, as CI services read it: one test case for a crash, failed unless nothing was wrong;
failed sections are errors.

A crash in a test has that test's name, as pytest's own JUnit report has it.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from gdbext.model import Report
from gdbext.reports import story, text
from gdbext.reports.github import location
from gdbext.reports.options import Options
from gdbext.reports.sanitize import inert, visible
from gdbext.wording import sentence

PHASE = re.compile(r" \((?:setup|call|teardown)\)$")


def render(report: Report, options: Options) -> str:
    """``testsuites`` with one ``testsuite`` named gdbext.  The text report is in ``system-out``."""
    report = options.prepared(report)
    plain = Options(width=options.width, verbose=options.verbose)
    failed = int(any(not f.is_all_well for f in report.findings[:1]))
    cases = min(len(report.findings), 1) + len(report.errors)
    counts = {"tests": str(cases), "failures": str(failed), "errors": str(len(report.errors))}
    suites = ElementTree.Element("testsuites", {"name": "gdbext", **counts})
    suite = ElementTree.SubElement(
        suites, "testsuite", {"name": "gdbext", **counts, "skipped": "0", "time": "0"}
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report):
        ElementTree.SubElement(properties, "property", {"name": name, "value": visible(value)})
    if report.findings:
        _case(suite, report, options)
    for error in report.errors:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {"classname": "gdbext.triage", "name": visible(error.section), "time": "0"},
        )
        ElementTree.SubElement(
            case, "error", {"type": "TriageError", "message": visible(error.message)}
        )
    ElementTree.SubElement(suite, "system-out").text = text.render(report, plain)
    ElementTree.indent(suites)
    return inert(ElementTree.tostring(suites, encoding="unicode", xml_declaration=False)).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _properties(report: Report) -> list[tuple[str, str]]:
    values = {
        "target": " · ".join(story.headline(report)),
        "python": report.target.python_version,
        "build_id": report.target.build_id,
        "signature": report.signature.id if report.signature else None,
        "known_issue": report.known_issues[0].id if report.known_issues else None,
        "debugger": report.tool.debugger,
        "hunt": story.consensus_summary(report.consensus) if report.consensus else None,
    }
    return [(name, value) for name, value in values.items() if value]


def _case(suite: ElementTree.Element, report: Report, options: Options) -> None:
    headline = report.findings[0]
    title = visible(f"{headline.rule} {sentence(headline.title)}")
    classname, name = _test(report) or ("gdbext", title)
    attributes = {"classname": visible(classname), "name": visible(name), "time": "0"}
    at = location(report, headline, options.root)
    if at is not None:
        attributes["file"] = visible(at[0])
        if at[1] is not None:
            attributes["line"] = str(at[1])
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if headline.is_all_well:
        return
    lines = []
    for finding in report.findings:
        lines += [f"{finding.rule} {sentence(finding.title)} ({finding.confidence})"]
        lines += [
            f"{'✗' if e.broken else '-'} {story.claim_text(e, verbose=True)}"
            for e in finding.evidence[:100]
        ]
        lines += [finding.advice] if finding.advice else []
    failure = ElementTree.SubElement(case, "failure", {"type": headline.rule, "message": title})
    failure.text = "\n".join(map(visible, lines))


def _test(report: Report) -> tuple[str, str] | None:
    """(classname, name) of the test that the thread at fault was running, or that the main thread
    was.

    ``tests/test_box.py::TestBox::test_put[1] (call)`` is ``tests.test_box.TestBox`` and
    ``test_put[1]``.
    """
    thread = story.running_test(report)
    if thread is None or not thread.test:
        return None
    path, *parts = PHASE.sub("", thread.test).split("::")
    if not parts:
        return None
    return ".".join([path.removesuffix(".py").replace("/", "."), *parts[:-1]]), parts[-1]
