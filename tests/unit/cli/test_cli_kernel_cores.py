"""Where the kernel puts cores, and why it may not."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from gdbext.tracing import kernel_cores


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("core", "/w/core*"),
        ("core.%p", "/w/core.7*"),
        ("core-%e.%P.%t", "/w/core-*.7.**"),
        ("/var/cores/%E-%i", "/var/cores/*-7*"),
        ("100%%-%p", "/w/100%-7*"),
        ("a[b]", "/w/a[[]b]*"),
    ],
)
def test_names(pattern: str, expected: str) -> None:
    assert kernel_cores.names(pattern, "/w", 7) == expected


@pytest.mark.parametrize(
    ("pattern", "limit", "expected"),
    [
        ("core", -1, None),
        ("core", 0, "ulimit -c"),
        ("", -1, "is empty"),
        ("|/bin/false", -1, "the program /bin/false"),
        ("|/usr/lib/systemd/systemd-coredump %P", -1, "coredumpctl dump PID"),
    ],
)
def test_lack(pattern: str, limit: int, expected: str | None) -> None:
    found = kernel_cores.lack(pattern, limit)
    assert found is None if expected is None else expected in str(found)


def test_newest_core_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernel_cores, "pattern", lambda: "core.%p")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, -1))
    for name, age in (("core.7", 1000), ("core.8", 0), ("core.7.new", 0)):
        (tmp_path / name).touch()
        os.utime(name, (5000 - age, 5000 - age))
    assert kernel_cores.newest(7, 4990) == (str(tmp_path / "core.7.new"), "")
    assert kernel_cores.newest(9, 4990) == (None, f"no core appeared as {tmp_path}/core.9*")
