"""Crashes of extension modules: what a person is told, compared with what is true
(tests/extensions/README.md).
"""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from gdbext.reports.json_report import schema
from lab import Lab
from lab.extensions import Extension, died, extensions
from lab.judge import comparable
from lab.judge_extension import judge, surprises, triage

CRASHES = extensions()
BY_ALL = (
    "code_page_freed",
    "field_null",
    "null_callback",
    "null_result",
    "pymem_to_free",
    "stripped_item",
    "stripped_thread",
)
"""These are looked at by LLDB and drgn, too; C++ functions have other names there."""


@pytest.mark.parametrize("extension", CRASHES.values(), ids=list(CRASHES))
def test_what_is_said_is_true(lab: Lab, extension: Extension, tmp_path: Path) -> None:
    """What is known to be wrong today is in the script's ``fails``, with the reason; nothing else
    may be wrong.
    """
    run = died(lab, extension)
    told = triage(run.core, tmp_path)
    jsonschema.validate(told.report, schema())
    checks = judge(extension, run.signal, told)
    unexpected = surprises(extension, checks)
    assert not unexpected, "\n".join(unexpected)
    if fails := extension.expect.get("fails"):
        pytest.xfail("; ".join(f"{what}: {reason}" for what, reason in fails.items()))


@pytest.mark.parametrize("name", BY_ALL)
def test_debuggers_agree(lab: Lab, name: str, tmp_path: Path) -> None:
    run = died(lab, CRASHES[name])
    reports = [
        comparable(triage(run.core, tmp_path / debugger, debugger).report)
        for debugger in ("gdb", "lldb", "drgn")
    ]
    assert reports[1] == reports[0]
    assert reports[2] == reports[0]
