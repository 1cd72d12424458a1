"""The site is built without a warning, and the rules' example reports are what is said now.

Its blocks are run by test_readme.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gdbext.diagnosis.registry import rules
from integration import readme
from integration.commandline import ROOT, environment
from lab import Lab
from lab.examples import EXAMPLES, KEPT


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mkdocs", "build", "--strict"),
            *("-f", ".github/docs/mkdocs.yml", "-d", str(tmp_path)),
        ],
        cwd=ROOT,
        env=environment(NO_MKDOCS_2_WARNING="1"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for rule in rules().values():
        page = (tmp_path / "rules" / f"{rule.id}.html").read_text()
        assert rule.title in page
        assert "A real report" in page
    assert "gdbext.model.Report" in (tmp_path / "library.html").read_text()


@pytest.mark.parametrize("rule", EXAMPLES)
def test_an_example_is_what_is_said_now(rule: str, lab: Lab) -> None:
    kept = (KEPT / f"{rule}.txt").read_text()
    assert f"{rule} {rules()[rule].title}" in kept
    for private in ("/work/", "/root/", "/home/"):
        assert private not in kept
    if EXAMPLES[rule].varies:
        return
    now = EXAMPLES[rule].report(lab)
    assert f"{rule} {rules()[rule].title}" in now
    # Line by line: what a busy machine changes (how far another thread came) is not in the
    # headline's part.
    headline = next(line for line in kept.splitlines() if rule in line)
    assert readme.missing(headline, now) is None, now
