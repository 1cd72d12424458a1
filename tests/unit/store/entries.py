"""Entries of a batch, as a store keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gdbext.reports.contract import to_json
from unit.reports import samples

DAY = 86400
START = 20759 * DAY
"""2026-11-02, a Monday."""
EVIL = "\x1b[31m|<script>alert(1)</script>`x`\n::error::gone ##[group]</title>"
TITLES = (
    ("FT101", "stale container item: repr(list) uses a types.UnionType that was freed"),
    ("FT102", "object used after free: a collections.OrderedDict"),
    ("FT105", "heap or freelist corrupted: the crash site is a victim"),
    ("FT203", "container changed under its reader: bytearray"),
    ("FT303", "deadlock"),
    ("FT401", "C assertion: PyTuple_Check(alias->args)"),
    ("FT404", "native fault outside Python objects: in __strlen_avx2"),
    ("FT205", "NULL or half-built slot of a functools.partial"),
    ("FT104", "double free or refcount below zero"),
    ("FT204", "object initialised again while in use: classmethod"),
)


def entry(
    core: str,
    mark: str = "f21a279fe5e87a52",
    time: int = START,
    version: str = "3.13.5",
    title: tuple[str, str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A core that was diagnosed: the founding crash, with that signature and headline."""
    report = to_json(samples.founding())
    report["signature"]["id"] = mark
    report["target"] |= {"python_version": version, "path": core}
    if title:
        report["findings"] = [{**report["findings"][0], "rule": title[0], "title": title[1]}]
        report["known_issues"] = []
    report |= changes
    return {
        "schema": "gdbext.batch/1",
        "core": core,
        "size": 1000,
        "mtime": time,
        "status": 0,
        "seconds": 1.5,
        "error": None,
        "report": report,
    }


def failed(core: str, error: str = "it is empty", time: int = START) -> dict[str, Any]:
    return {**entry(core, time=time), "status": 3, "error": error, "report": None}


def month() -> Sequence[dict[str, Any]]:
    """Four weeks: one signature all the time, one that rises in the last, one that is new, seven
    rare ones.
    """
    made = []
    for day in range(28):
        moment = START + day * DAY + 3600 * (day % 24)
        made += [entry(f"/c/all.{day}.{n}", time=moment + n) for n in range(2 + day % 3)]
        rising = 12 if day > 21 else day % 4 == 0
        made += [
            entry(f"/c/rise.{day}.{n}", "a" * 16, moment + n, "3.14.0", TITLES[1])
            for n in range(rising)
        ]
        if day > 24:
            made += [
                entry(f"/c/new.{day}.{n}", "b" * 16, moment + n, "3.14.0", TITLES[2])
                for n in range(3)
            ]
        rare = day % 7
        made.append(entry(f"/c/rare.{day}", f"{rare}" * 16, moment, "3.13.5", TITLES[3 + rare]))
    return [*made, failed("/c/empty", time=START + DAY)]
