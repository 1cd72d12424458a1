"""Annotations for GitHub Actions."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbext.reports.github import command, render
from gdbext.reports.options import Options
from unit.reports import samples

COMMAND = re.compile(
    r"::(error|warning|notice) ((?:file=[^,:]*,)?(?:line=\d+,)?title=[^,:]*)::([^\r\n]*)"
)


def commands(text):
    found = [COMMAND.fullmatch(line) for line in text.split("\n")[:-1]]
    assert all(found), text
    assert text.endswith("\n") or not text
    return found


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_every_line_is_one_command(name):
    commands(render(samples.SAMPLES[name](), Options()))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_string_of_the_target_stays_in_its_command(text):
    expected = [c[1] for c in commands(render(samples.founding(), Options()))]
    assert [c[1] for c in commands(render(samples.hostile(text), Options()))] == expected


def test_the_finding_is_beside_its_line_and_the_other_side_too():
    error, second, notice = commands(render(samples.founding(), Options(root="/home/ada/project/")))
    assert error[2] == (
        "file=det_list.py,line=17,title=FT101 stale list item%3A repr(list) uses a "
        "typing.Union that was freed"
    )
    assert error[3].startswith(
        "CPython 3.13.5 free-threaded (debug) · core of python3.13 · SIGSEGV reading 0x19 · 2 "
        "threads%0A"
    )
    assert "%0A✗ args is not a tuple: 1%0A" in error[3]
    assert second[1] == "error"
    assert notice[0] == (
        "::notice file=det_list.py,line=14,title=the other side of the race::"
        "MainThread uses list 0x20000375fb0 at the same time: list.clear (likely)"
    )


def test_outside_the_checkout_the_path_is_absolute():
    assert "file=/home/ada/project/det_list.py," in render(samples.founding(), Options(root="/srv"))


def test_no_finding_is_a_notice_and_a_failed_part_a_warning():
    assert [c[1] for c in commands(render(samples.healthy(), Options()))] == ["notice"]
    assert [c[1] for c in commands(render(samples.partial(), Options()))] == [
        "error",
        "error",
        "warning",
        "warning",
    ]


def test_the_innermost_line_in_the_checkout_is_taken():
    report = samples.founding()
    assert "file=lib/python3.13/threading.py,line=994," in render(
        report, Options(root="/opt/python3.13t")
    )


def test_commands_are_escaped():
    assert command("error", "a%\r\nb", title="t:,%", path="a,b:c\n.py", line=1) == (
        "::error file=a%2Cb%3Ac\\n.py,line=1,title=t%3A%2C%25::a%25%0D%0Ab"
    )
