"""The documentation names every rule, format and version that there is."""

from __future__ import annotations

from gdbext.cpython.versions.catalog import minors, shipped
from gdbext.diagnosis.registry import rules
from gdbext.reports.formats import FORMATS
from integration import readme
from lab.examples import EXAMPLES, KEPT

SHOWN = "".join(readme.TEXTS.values())
NAMES = {"junit": "junit xml", "github": "github annotations"}


def test_every_rule_has_an_example() -> None:
    missing = sorted(set(rules()) - set(EXAMPLES))
    assert not missing, "a line in tests/lab/examples.py each, then scripts/docs reports RULE"
    assert {path.stem for path in KEPT.glob("*.txt")} == set(EXAMPLES) == set(rules())


def test_the_pages_name_every_format() -> None:
    unnamed = [name for name in FORMATS if NAMES.get(name, name) not in SHOWN.lower()]
    assert unnamed == [], "start/script.md lists them"


def test_the_pages_name_every_version() -> None:
    versions = f"({', '.join(version.name for version in shipped())})"
    assert versions in SHOWN, "limits.md lists them"
    assert f"3.13t to 3.{minors()[0]}t" in SHOWN, "index.md has the newest"
