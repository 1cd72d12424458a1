"""Which report goes where."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from gdbext.cli import outputs
from gdbext.reports import formats


def pair(*words: str) -> list[tuple[str, str]]:
    parser = argparse.ArgumentParser()
    outputs.add_options(parser)
    return outputs.pair(parser.parse_args(words).outputs)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [("text", "-")]),
        ("--format json", [("json", "-")]),
        ("--format json -o a", [("json", "a")]),
        ("-o a --format json", [("json", "a")]),
        ("--format json -o a --format html -o b", [("json", "a"), ("html", "b")]),
        ("--format json --format html -o a -o b", [("json", "a"), ("html", "b")]),
        (
            "-o a.sarif -o b.html -o c.xml",
            [("sarif", "a.sarif"), ("html", "b.html"), ("junit", "c.xml")],
        ),
        ("--format json -o a.txt -o b.md", [("json", "a.txt"), ("markdown", "b.md")]),
        ("--format text --format json -o a", [("text", "-"), ("json", "a")]),
        (
            "-o a.txt -o a.github.txt -o a.junit.xml",
            [("text", "a.txt"), ("github", "a.github.txt"), ("junit", "a.junit.xml")],
        ),
        ("-o - -o a.json", [("text", "-"), ("json", "a.json")]),
    ],
)
def test_pairs(words: str, expected: list[tuple[str, str]]) -> None:
    assert pair(*words.split()) == expected


def test_only_one_report_on_stdout() -> None:
    with pytest.raises(ValueError, match="not json and html"):
        pair("--format", "json", "--format", "html")


def test_unknown_ending_asks_for_the_format() -> None:
    with pytest.raises(ValueError, match=r"which format is crash\.log"):
        pair("-o", "crash.log")


def test_unknown_format_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        pair("--format", "pdf")
    assert stopped.value.code == 2
    assert "pdf" in capsys.readouterr().err


@pytest.mark.parametrize("name", formats.FORMATS)
def test_every_ending_means_its_format(name: str) -> None:
    for ending in formats.FORMATS[name].endings:
        assert pair("-o", f"x{ending}") == [(name, f"x{ending}")]


def test_the_registry_loads_no_report() -> None:
    program = (
        "import sys; from gdbext.cli import outputs\n"
        "print([name for name in sys.modules if name.startswith(('gdbext.model', "
        "'gdbext.reports.'))])"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert out == "['gdbext.reports.formats']\n"
