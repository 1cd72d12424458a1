"""Deaths of a program that has two races, as triage would report them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gdbext.hunt.deaths import Death
from gdbext.model import (
    Confidence,
    Crash,
    Finding,
    KnownIssue,
    NativeFrameInfo,
    PythonFrame,
    Race,
    RaceThread,
    Report,
    SharedObject,
    Signature,
    ThreadInfo,
)
from unit.reports import samples

PROGRAM = "/home/ada/stress.py"
FUNCTIONS = {20: "grow", 25: "shrink", 30: "wipe", 50: "read", 55: "write"}
OPERATIONS = {20: "append", 25: "pop", 30: "clear", 50: "repr", 55: "setattr kind"}


def race(kind: str, lines: Sequence[int], confidence: Confidence = Confidence.LIKELY) -> Race:
    """A race on an object of that type, with a thread at each line."""
    threads = tuple(
        RaceThread(100 + i, f"t-{line}", OPERATIONS[line], PROGRAM, line, FUNCTIONS[line])
        for i, line in enumerate(lines)
    )
    return Race(confidence, SharedObject(0x20000001000, kind), threads)


def death(
    signature: str,
    named: Race | None,
    *suspects: Race,
    at: Sequence[int] = (),
    function: str = "bytearray_append",
    rule: str = "FT105",
    issues: Sequence[str] = (),
    condition: str = "as it is",
) -> Death:
    """A death with that signature that names the race; its threads stand at the lines ``at``."""
    threads = tuple(
        ThreadInfo(
            200 + i,
            crashed=i == 0,
            native=(NativeFrameInfo(0, function, "/src/Objects/x.c", 1),),
            python=(PythonFrame(PROGRAM, line, FUNCTIONS[line]),),
        )
        for i, line in enumerate(at or (20,))
    )
    report: Report = dataclasses.replace(
        samples.founding(),
        crash=Crash("SIGSEGV", thread=200),
        findings=(Finding(rule, "damaged", Confidence.LIKELY),),
        race=named,
        suspects=((named,) if named else ()) + suspects,
        known_issues=tuple(KnownIssue(name, "https://x", "likely") for name in issues),
        signature=Signature(signature.ljust(16, "0"), ("a",), ()),
        threads=threads,
    )
    return Death(report=report, condition=condition)
