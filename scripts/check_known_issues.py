"""Check the form of the catalogue of known issues,
``gdbext/diagnosis/known_issues/catalogue.json``.

    .venv/bin/python scripts/check_known_issues.py [FILE]

Prints what is wrong, one line each; the exit status is 1 if anything is.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gdbext.diagnosis.known_issues.catalogue import CATALOGUE
from gdbext.diagnosis.known_issues.versions import parse_version
from gdbext.diagnosis.registry import rules

REQUIRED = {
    "id": str,
    "url": str,
    "title": str,
    "class": str,
    "affected": list,
    "fixed_in": list,
    "frames": list,
    "frames_source": str,
    "frames_quoted": int,
    "advice": str,
    "status": str,
    "patterns": list,
}
OPTIONAL = {
    "affected_text": list,
    "fixed_text": list,
    "same_as": str,
    "crashes": bool,
    "one_thread": str,
}
CLASSES = {
    "borrowed-item-uaf",
    "lazy-init-race",
    "non-atomic-reinit",
    "unlocked-resize",
    "refcount-race",
    "mutex-misuse",
    "qsbr-lifetime",
    "gc-race",
    "type-cache",
    "deadlock",
    "stack-overflow",
    "extension-module",
    "other",
}
STATUSES = {"open", "closed", "closed-unresolved", "duplicate", "fixed", "wontfix"}
ONE_THREAD = {"enough", "always"}
FRAME_SOURCES = {"quoted", "named", "inferred"}
PATTERN_LISTS = {
    "types",
    "families",
    "attributes",
    "functions",
    "assertions",
    "messages",
    "rules",
    "python_functions",
}
IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")
SERIES = re.compile(r"3\.\d+\Z")
ID = re.compile(r"(?:gh-|[\w.-]+#|[a-z]+PR)(\d+)\Z")


def problems(entries: Any) -> Iterator[str]:
    """Everything that is wrong with the catalogue's form."""
    if not isinstance(entries, list):
        yield "the catalogue is no list"
        return
    names = [str(entry.get("id")) for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: more than once"
    known = {entry["id"]: entry for entry in entries if "id" in entry}
    for entry in entries:
        for problem in _entry(entry, known):
            yield f"{entry.get('id', '?')}: {problem}"


def _entry(entry: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    fields = REQUIRED | OPTIONAL
    yield from (f"no {name}" for name in REQUIRED if name not in entry)
    yield from (f"unknown field {name}" for name in entry if name not in fields)
    wrong = [
        name for name, value in entry.items() if name in fields and type(value) is not fields[name]
    ]
    yield from (f"{name} is no {fields[name].__name__}" for name in wrong)
    if wrong or not REQUIRED.keys() <= entry.keys():
        return
    named = ID.match(entry["id"])
    if not named:
        yield "an id is gh-NUMBER or PROJECT#NUMBER"
    elif not re.match(
        rf"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/{named[1]}\Z", entry["url"]
    ):
        yield f"{entry['url']} is not the issue's address"
    choices = (
        ("class", CLASSES),
        ("status", STATUSES),
        ("frames_source", FRAME_SOURCES),
        ("one_thread", ONE_THREAD),
    )
    for field, allowed in choices:
        if field in entry and entry[field] not in allowed:
            yield f"{field} {entry[field]!r} is none of {', '.join(sorted(allowed))}"
    yield from (
        f"fixed in {text!r}, which is no version"
        for text in entry["fixed_in"]
        if not _is_version(text)
    )
    yield from (
        f"affected {text!r} is no range of versions"
        for text in entry["affected"]
        if not _is_range(text)
    )
    yield from _frames(entry)
    same = entry.get("same_as")
    if same is not None and (same not in known or "same_as" in known[same] or same == entry["id"]):
        yield f"same as {same}, which is no entry of its own"
    for number, pattern in enumerate(entry["patterns"], 1):
        yield from (f"pattern {number}: {problem}" for problem in _pattern(pattern))


def _frames(entry: Mapping[str, Any]) -> Iterator[str]:
    names = [
        name for frame in entry["frames"] for name in ([frame] if isinstance(frame, str) else frame)
    ]
    yield from (
        f"frame {name!r} is no function name" for name in names if not IDENTIFIER.match(name)
    )
    if not 0 <= entry["frames_quoted"] <= len(entry["frames"]):
        yield f"{entry['frames_quoted']} quoted frames of {len(entry['frames'])}"
    if entry["frames_quoted"] and entry["frames_source"] != "quoted":
        yield f"quoted frames, but their source is {entry['frames_source']}"


def _pattern(pattern: Mapping[str, Any]) -> Iterator[str]:
    if not pattern:
        yield "it is empty"
    for name, value in pattern.items():
        if name in PATTERN_LISTS:
            if not (
                isinstance(value, list)
                and value
                and all(isinstance(item, str) and item for item in value)
            ):
                yield f"{name} is no list of texts"
        elif name == "operations":
            if not (
                isinstance(value, list)
                and value
                and all(isinstance(g, list) and g and all(map(str.strip, g)) for g in value)
            ):
                yield "operations is no list of groups of words"
        elif name in ("both", "exact", "in_use"):
            if value is not True:
                yield f"{name} is not true"
        elif name == "module":
            if not isinstance(value, str) or not value:
                yield "module is no name"
        else:
            yield f"unknown field {name}"
    yield from (f"unknown rule {rule}" for rule in pattern.get("rules", ()) if rule not in rules())
    yield from (
        f"{name!r} is no function name"
        for name in pattern.get("functions", ())
        if not IDENTIFIER.match(name)
    )


def _is_version(text: object) -> bool:
    try:
        parse_version(str(text))
    except ValueError:
        return False
    return True


def _is_range(text: str) -> bool:
    low, dash, high = text.partition("-")
    if SERIES.match(low):
        return not dash
    return _is_version(low) and (
        not dash or (_is_version(high) and parse_version(low) <= parse_version(high))
    )


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=CATALOGUE)
    path = parser.parse_args().file
    entries = json.loads(path.read_text(encoding="utf-8"))
    found = list(problems(entries))
    for problem in found:
        print(f"{path.name}: {problem}")
    if not found:
        patterns = sum(len(entry["patterns"]) for entry in entries)
        print(f"{path.name}: {len(entries)} issues with {patterns} patterns, all well formed")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
