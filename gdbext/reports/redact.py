"""Leaves every value of the program out of a report; types, sizes, addresses, functions and
structure stay.

What goes: what evidence marks as private, whatever is quoted in a free text, source code, keys of
dicts, thread names that the program chose, arguments that are no addresses, words that no address
of the process can be (see ``words``), and the folders of files.  A string field that this file does
not know counts as free text, so a new one does not leak.  Doing it twice changes nothing.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from gdbext.model import (
    Address,
    Argument,
    AttributeSlot,
    Claim,
    Container,
    ContainerView,
    Data,
    Evidence,
    FilePath,
    Foreign,
    Freeing,
    KeySlot,
    KnownIssue,
    Operation,
    RaceThread,
    Report,
    SharedObject,
    Subject,
    ThreadInfo,
    ThreadName,
    ValueSlot,
)
from gdbext.reports.memory_words import Words

Part = TypeVar("Part")

LEFT_OUT = "…"
NO_ADDRESS = (1 << 64) - 1
"""Stands for a word that is data, where an address must stand."""
ALWAYS_ADDRESSED = (Subject, Container, ContainerView, SharedObject)
KEPT = frozenset(
    {
        "schema",
        "rule",
        "kind",
        "build_id",
        "python_version",
        "layout_source",
        "layout_table",
        "opcode_table",
        "version",
        "debugger",
        "examine",
        "id",
        "url",
        "match",
    }
    | {"fixed_in", "signal", "code", "assertion", "instruction", "access", "refused", "function"}
    | {"type", "expected_type", "state", "domain", "freed_by", "frames", "features", "section"}
)
"""Fields that say nothing about the program's data: our own words, CPython's, names of types and
functions.
"""
PATHS = frozenset({"path", "executable", "file", "module"})
QUOTED = re.compile(
    r"""(?<!\w)([bBrRuUfF]{0,2})('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?!\w)""", re.S
)
FOLDERS = re.compile(r"""(?<![\w./~…])~?/(?:[^\s:,;()\[\]"'/]*/)*(?=[^\s/])""")
USUAL_NAME = re.compile(
    r"(MainThread|(?:Thread|Dummy|ThreadPoolExecutor|asyncio)[-_]\d+(?:_\d+)?)(?: \(.*\))?", re.S
)
POINTER = re.compile(r"0x[0-9a-f]+")


def redact(report: Report) -> Report:
    """The report without the program's values."""
    return _Redaction(report).apply(report)


def free_text(value: str) -> str:
    """Without what is quoted, and without the folders of files.

    >>> free_text("value 'hunter2' read from /home/ada/secret/app.py")
    "value '…' read from app.py"
    """
    return FOLDERS.sub(
        "", QUOTED.sub(lambda found: f"{found[1]}{found[2][0]}{LEFT_OUT}{found[2][0]}", value)
    )


def base(path: str) -> str:
    """The file's name."""
    return path.rstrip("/").rpartition("/")[2]


def usual_name(name: str) -> str | None:
    """A thread's name where CPython gave it, without the function in brackets; None for a name that
    the program chose.
    """
    found = USUAL_NAME.fullmatch(name)
    return found[1] if found else None


class _Redaction:
    """One report's; it knows the names of the threads and what is private, for free texts speak of
    them.
    """

    def __init__(self, report: Report) -> None:
        self.words = Words(report)
        self.names: dict[str, str] = {}
        known: list[ThreadInfo | RaceThread] = [*report.threads]
        for race in (report.race, *report.suspects):
            known += race.threads if race else ()
        lwps: dict[str, set[int]] = {}
        for thread in known:
            if thread.name:
                lwps.setdefault(thread.name, set()).add(thread.lwp)
        for name, its in lwps.items():
            if usual_name(name) != name:
                self.names[name] = usual_name(name) or (
                    f"LWP {min(its)}" if len(its) == 1 else LEFT_OUT
                )
        self.quoted = re.compile(
            rf"""(?:\bthread )?"({"|".join(map(re.escape, lwps)) or "(?!)"})"(?: \(LWP (\d+)\))?"""
        )
        private = (
            e.value
            for finding in report.findings
            for e in finding.evidence
            if e.private and e.value != LEFT_OUT
        )
        self.names |= {value: LEFT_OUT for value in private if isinstance(value, str) and value}
        longest_first = sorted(self.names, key=len, reverse=True)
        # "the reader" is a role in our sentences, whatever the thread is called.
        alternatives = "|".join(re.escape(name) for name in longest_first) or "(?!)"
        self.pattern = re.compile(rf"(?<!\w)(?<!the )(?<!its )(?:{alternatives})(?!\w)")

    def apply(self, data: Part) -> Part:
        changes = {f.name: self.field(data, f.name, getattr(data, f.name)) for f in fields(data)}  # type: ignore[arg-type]  # is one
        return replace(data, **changes)  # type: ignore[type-var]

    def field(self, owner: object, name: str, value: Any) -> Any:
        if isinstance(value, (enum.Enum, bool)) or value is None:
            return value
        if isinstance(value, Claim):
            return self.claim(value)
        if isinstance(value, int):
            return self.number(owner, name, value)
        if name in KEPT:
            return value
        if isinstance(owner, KnownIssue) and name != "why":
            return value
        if name == "value" and isinstance(owner, Evidence) and owner.private:
            return LEFT_OUT
        if name == "arguments":
            return tuple(self.argument(a) for a in value)
        special: Callable[[Any], Any] | None = SPECIAL.get(name)
        if special is not None:
            return special(value)
        if isinstance(value, str):
            if name == "name" and isinstance(owner, (ThreadInfo, RaceThread, Freeing)):
                return usual_name(value)
            return base(value) if name in PATHS else self.text(value)
        if isinstance(value, tuple):
            return tuple(self.field(owner, "", item) for item in value)
        return self.apply(value) if is_dataclass(value) else value

    def claim(self, claim: Claim) -> Claim:
        """The same claim; what is private of its arguments is marked by their types."""
        return Claim(claim.kind, **{name: self.part(claim, part) for name, part in claim.arguments})

    def part(self, owner: Claim, part: Argument) -> Argument:
        """An argument of a claim.  A plain ``str`` is a name (of a type, a function, a field)."""
        if isinstance(part, Claim):
            return self.claim(part)
        if isinstance(part, tuple):
            return tuple(self.part(owner, inner) for inner in part)
        if isinstance(part, (KeySlot, ValueSlot)):
            is_number = isinstance(part.key, Address) and not self.words.is_data(part.key)
            return part if is_number else replace(part, key=Data(LEFT_OUT))
        if isinstance(part, AttributeSlot):
            return part if part.name.isidentifier() else AttributeSlot(LEFT_OUT)
        if isinstance(part, Operation):
            return self.apply(part)
        if isinstance(part, Data):
            return Data(LEFT_OUT)
        if isinstance(part, ThreadName):
            usual = usual_name(part)
            # A thread has its LWP beside the name.
            other = (
                None
                if owner.kind in ("thread", "thread-by-name")
                else self.names.get(part, LEFT_OUT)
            )
            return ThreadName(usual) if usual else other
        if isinstance(part, FilePath):
            return FilePath(base(part))
        if isinstance(part, Foreign):
            return Foreign(self.text(part))
        is_number = isinstance(part, int) and not isinstance(part, bool)
        return LEFT_OUT if is_number and self.words.is_data(part) else part  # type: ignore[arg-type]

    def text(self, value: str) -> str:
        """A text of ours, without the values in it."""
        value = self.quoted.sub(self.thread, value)
        return self.words.without(
            free_text(self.pattern.sub(lambda found: self.names[found[0]], value)), LEFT_OUT
        )

    def thread(self, found: re.Match[str]) -> str:
        """``thread "reader" (LWP 7)`` without a name of the program's."""
        name, lwp = found[1], found[2]
        if usual := usual_name(name):
            return f"thread {usual} (LWP {lwp})" if lwp else f"thread {usual}"
        return f"LWP {lwp}" if lwp else self.names[name]

    def number(self, owner: object, name: str, value: int) -> int | str | None:
        """An address, a size or a count stays."""
        if isinstance(owner, Evidence) and name == "value":
            return LEFT_OUT if owner.private or self.words.is_data(value) else value
        if not self.words.is_data(value):
            return value
        if name == "index":
            return LEFT_OUT
        return NO_ADDRESS if name == "address" and isinstance(owner, ALWAYS_ADDRESSED) else None

    def argument(self, argument: str) -> str:
        name, equals, value = argument.partition("=")
        if POINTER.fullmatch(value) and not self.words.is_data(int(value, 16)):
            return argument
        return f"{name}{equals}{LEFT_OUT}" if equals else LEFT_OUT


SPECIAL: dict[str, Callable[[Any], Any]] = {
    "source": lambda _: None,
    "excerpt": lambda _: (),
    # A position in a sequence says nothing about the program's data; a key is data.
    "index": lambda index: LEFT_OUT if isinstance(index, str) else index,
    "owner": usual_name,
    # The parameters of a test are values.
    "test": lambda test: (
        test
        and re.sub(
            r"\[.*\]",
            f"[{LEFT_OUT}]",
            base(test.partition("::")[0]) + "".join(test.partition("::")[1:]),
        )
    ),
}
