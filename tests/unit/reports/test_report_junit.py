"""JUnit XML."""

import dataclasses
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbext.reports.junit import render
from gdbext.reports.options import Options
from unit.reports import samples

# What the common readers (Jenkins, GitLab, GitHub's actions) agree on: parent, children, attributes
# needed.
GRAMMAR = {
    "testsuites": ({"testsuite"}, {"tests", "failures", "errors"}),
    "testsuite": (
        {"properties", "testcase", "system-out"},
        {"name", "tests", "failures", "errors", "skipped", "time"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"name", "value"}),
    "testcase": ({"failure", "error"}, {"classname", "name", "time"}),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
    "system-out": (set(), set()),
}


def parsed(text):
    """The root element, after a check of the grammar and the counts."""
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        children, attributes = GRAMMAR[element.tag]
        assert {child.tag for child in element} <= children
        assert attributes <= set(element.attrib)
    (suite,) = root
    for element in (root, suite):
        assert int(element.get("tests")) == len(suite.findall("testcase"))
        assert int(element.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(element.get("errors")) == len(suite.findall("testcase/error"))
    return root


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_every_sample_is_well_formed(name):
    parsed(render(samples.SAMPLES[name](), Options()))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_string_of_the_target_is_only_text(text):
    plain, hostile = (
        parsed(render(r, Options())) for r in (samples.founding(), samples.hostile(text))
    )
    assert [e.tag for e in hostile.iter()] == [e.tag for e in plain.iter()]


def test_the_founding_crash():
    root = parsed(render(samples.founding(), Options()))
    case = root.find("testsuite/testcase")
    assert case.attrib == {
        "classname": "gdbext",
        "name": "FT101 stale list item: repr(list) uses a typing.Union that was freed",
        "file": "/home/ada/project/det_list.py",
        "line": "17",
        "time": "0",
    }
    assert "✗ args is not a tuple  0x200000aff30: 1" in case.find("failure").text
    assert len(root.findall("testsuite/testcase")) == 1, "one crash"
    assert (
        "\nFT203 list changed under its reader: it is shorter than the reader's position (proven)\n"
        in case.find("failure").text
    )
    assert "FT101 stale list item" in root.find("testsuite/system-out").text
    properties = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert properties["signature"] == "3f0c9a51d2e8b764"


@pytest.mark.parametrize(
    ("test", "classname", "name"),
    [
        ("tests/test_box.py::test_put (call)", "tests.test_box", "test_put"),
        ("test_box.py::TestBox::test_put[a (b)] (setup)", "test_box.TestBox", "test_put[a (b)]"),
    ],
)
def test_a_crash_in_a_test_has_its_name_as_pytest_writes_it(test, classname, name):
    report = samples.founding()
    threads = tuple(
        dataclasses.replace(t, test=test if t.crashed else "test_other.py::test_other (call)")
        for t in report.threads
    )
    case = parsed(render(dataclasses.replace(report, threads=threads), Options())).find(
        "testsuite/testcase"
    )
    assert (case.get("classname"), case.get("name")) == (classname, name)
    assert case.find("failure").get("message").startswith("FT101 stale list item")


def test_a_healthy_process_passes():
    root = parsed(render(samples.healthy(), Options()))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "0")


def test_failed_sections_are_errors():
    assert parsed(render(samples.partial(), Options())).get("errors") == "2"


def test_control_characters_do_not_break_the_xml():
    text = render(samples.hostile("\x00\x0b\ufffe\uffff\ud800]]>"), Options())
    assert "\\x00\\x0b\\ufffe\\uffff\\ud800]]>" in parsed(text).find("testsuite/testcase").get(
        "name"
    )


def test_no_line_is_a_command_to_a_ci_service():
    text = render(samples.hostile("\n::error::x ##[group]"), Options(width=40))
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in text.split("\n"))
