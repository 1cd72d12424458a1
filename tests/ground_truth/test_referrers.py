"""Everyone who holds an object is found, and named as a programmer would name the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.run import run_in_debugger
from lab import builds
from lab.crash import crash

SCRIPT = Path(__file__).with_name("held.py")


@pytest.mark.parametrize("build", builds.chosen(("release", "debug")))
def test_every_holder_is_found(build: str, tmp_path: Path) -> None:
    python = builds.python(build)
    run = crash(python, SCRIPT, folder=tmp_path / "run")
    found = run_in_debugger(
        "gdb",
        "ground_truth.referrer_checker:check",
        run.truth["target"],
        executable=python,
        core=run.core,
    )
    certain = {
        (kind, type_name, slot) for kind, type_name, slot, is_certain, _ in found if is_certain
    }
    print(*found, sep="\n")
    assert {
        ("object", "list", "1"),
        ("object", "tuple", "2"),
        ("object", "dict", "['key']"),
        ("global", "dict", "['TARGET']"),
        ("global", "dict", "['IMPORTED']"),
        ("object", "cell", "ob_ref"),
        ("object", "Holder", ".field"),
        ("frame", "frame", "target"),
        ("frame", "frame", "own"),
    } <= certain
    assert any(type_name == "set" for _, type_name, _, _, _ in found)
    assert any("attribute" in slot for _, _, slot, _, _ in found)
