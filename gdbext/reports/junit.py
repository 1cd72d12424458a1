"""JUnit XML, as CI services read it: one test case a finding, failed unless nothing was wrong; failed sections are errors."""

from __future__ import annotations

from xml.etree import ElementTree

from gdbext.model import Finding, Report
from gdbext.reports import story, text
from gdbext.reports.github import location
from gdbext.reports.options import Options
from gdbext.reports.sanitize import inert, visible


def render(report: Report, options: Options) -> str:
    """``testsuites`` with one ``testsuite`` named gdbext.  The text report is in ``system-out``."""
    report = options.prepared(report)
    plain = Options(width=options.width, verbose=options.verbose)
    failed = sum(f.rule != "FT000" for f in report.findings)
    cases = len(report.findings) + len(report.errors)
    counts = {"tests": str(cases), "failures": str(failed), "errors": str(len(report.errors))}
    suites = ElementTree.Element("testsuites", {"name": "gdbext", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "gdbext", **counts, "skipped": "0", "time": "0"})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report):
        ElementTree.SubElement(properties, "property", {"name": name, "value": visible(value)})
    for finding in report.findings:
        _case(suite, report, finding, options)
    for error in report.errors:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": "gdbext.triage", "name": visible(error.section), "time": "0"}
        )
        ElementTree.SubElement(case, "error", {"type": "TriageError", "message": visible(error.message)})
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
    }
    return [(name, value) for name, value in values.items() if value]


def _case(suite: ElementTree.Element, report: Report, finding: Finding, options: Options) -> None:
    attributes = {"classname": f"gdbext.{finding.rule}", "name": visible(finding.title), "time": "0"}
    at = location(report, finding, options.root)
    if at is not None:
        attributes["file"] = visible(at[0])
        if at[1] is not None:
            attributes["line"] = str(at[1])
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if finding.rule == "FT000":
        return
    lines = [f"{finding.title} ({finding.confidence})"]
    lines += [f"{'✗' if e.broken else '-'} {story.claim_text(e, verbose=True)}" for e in finding.evidence[:100]]
    lines += [finding.advice] if finding.advice else []
    failure = ElementTree.SubElement(case, "failure", {"type": finding.rule, "message": visible(finding.title)})
    failure.text = "\n".join(map(visible, lines))
