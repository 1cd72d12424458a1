"""The catalogue's entries: issues, and the patterns that a crash of one shows.

A pattern says what a crash looks like where a defect is at work; an issue may have several, each on
its own.  It names the shared object's types, what the threads do to it (groups of operations: one
of each group must be seen), attributes, the C module, C functions, assertions, messages and rules.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gdbext.cpython.traits.types import types_with
from gdbext.diagnosis.known_issues.features import bare, module_name
from gdbext.diagnosis.registry import showing
from gdbext.frozen import dataclass

CATALOGUE = Path(__file__).with_name("catalogue.json")

RACES = frozenset(
    {"borrowed-item-uaf", "lazy-init-race", "non-atomic-reinit", "unlocked-resize", "refcount-race"}
)
"""Classes of defects that two threads make between them."""

# In the catalogue a word with an @ stands for all these operations.
WORD_CLASSES = {
    "@advance": (
        "next iter list tuple set frozenset dict sorted sum min max any all bytes bytearray extend "
        "extendleft update join unpack contains deque Counter zip map filter enumerate islice "
        "chain reduce"
    ),
    "@change-list": "append extend insert pop remove clear setitem delitem sort reverse += *=",
    "@change-dict": "setitem delitem pop popitem clear update setdefault |=",
    "@change-set": (
        "add discard remove pop clear update difference_update intersection_update "
        "symmetric_difference_update |= &= -= ^="
    ),
    "@repr": "repr str ascii print format",
}
COMMON_TYPES = types_with("common")
"""Types that every program shares between threads: alone they are not a sign of anything."""
PROJECT = re.compile(r"(?:python3?-)?(.+?)(?:#|PR)\d+$")
"""Ids of other projects' issues and pull requests: ``greenlet#513``, ``python-rapidjson#234``,
``numpyPR27955``.
"""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One way that an issue shows.  Empty fields say nothing."""

    types: frozenset[str]
    families: frozenset[str]
    operations: tuple[frozenset[str], ...]
    attributes: frozenset[str]
    module: str | None
    functions: frozenset[str]
    assertions: tuple[str, ...]
    messages: tuple[str, ...]
    rules: frozenset[str]
    python_functions: frozenset[str]
    both: bool
    """Each of the racing operations is one of these: a single other one is another defect."""
    exact: bool
    """The code at fault is for objects of the very types, and subclasses go another way."""
    in_use: bool
    """It holds only where one of the functions is seen to work on the object: another issue is of
    the same operations on the same type, in other code.
    """

    @property
    def names_object(self) -> bool:
        """Whether the pattern says of which type the object is."""
        return bool(self.types or self.families)

    @property
    def is_call_alone(self) -> bool:
        """All that is done to the object is to call it, as with whatever wraps a function."""
        return frozenset().union(*self.operations) == {"call"}

    @property
    def is_object_alone(self) -> bool:
        """Whatever is done to the object is wrong where threads share it."""
        further = (
            self.operations,
            self.attributes,
            self.functions,
            self.assertions,
            self.messages,
            self.rules,
        )
        return self.names_object and not any(further)

    @property
    def is_general(self) -> bool:
        """Operations that are wrong on every object that threads share."""
        return bool(self.operations) and not (
            self.names_object or self.attributes or self.module or self.functions or self.rules
        )


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One entry; ``group`` is the id of the issue that this one is the same defect as, else its
    own.
    """

    id: str
    url: str
    title: str
    defect: str
    affected: tuple[str, ...]
    fixed_in: tuple[str, ...]
    quoted: tuple[frozenset[str], ...]
    """The innermost frames of the stack that the issue's thread quotes; alternatives stand
    together.
    """
    advice: str
    group: str
    patterns: tuple[Pattern, ...]
    one_thread: str | None
    """``enough`` or ``always``: one whose operation calls Python code that changes what it works
    on; None: see its class.
    """

    @property
    def project(self) -> str | None:
        """The extension that it is an issue of; None for CPython's own."""
        found = PROJECT.match(self.id)
        return module_name(found[1]) if found else None

    @property
    def needs_threads(self) -> bool:
        """Whether the defect shows only where threads share something."""
        return self.defect in RACES and self.one_thread is None

    @property
    def rules(self) -> frozenset[str]:
        """The rules that such a defect may show as."""
        return showing(self.defect)


@functools.cache
def catalogue() -> tuple[Issue, ...]:
    """Every issue that crashes or hangs and has patterns to be known by."""
    entries = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return tuple(
        _issue(entry) for entry in entries if entry["patterns"] and entry.get("crashes", True)
    )


def _issue(entry: Mapping[str, Any]) -> Issue:
    frames = [frozenset([names] if isinstance(names, str) else names) for names in entry["frames"]]
    return Issue(
        id=entry["id"],
        url=entry["url"],
        title=entry["title"],
        defect=entry["class"],
        affected=tuple(entry["affected"]),
        fixed_in=tuple(entry["fixed_in"]),
        quoted=tuple(frames[: entry["frames_quoted"]]),
        advice=entry["advice"],
        group=entry.get("same_as", entry["id"]),
        patterns=tuple(map(_pattern, entry["patterns"])),
        one_thread=entry.get("one_thread"),
    )


def _pattern(entry: Mapping[str, Any]) -> Pattern:
    return Pattern(
        types=frozenset(entry.get("types", ())),
        families=frozenset(entry.get("families", ())),
        operations=tuple(frozenset(_words(group)) for group in entry.get("operations", ())),
        attributes=frozenset(entry.get("attributes", ())),
        module=module_name(entry["module"]) if "module" in entry else None,
        functions=frozenset(entry.get("functions", ())),
        assertions=tuple(map(squeezed, entry.get("assertions", ()))),
        messages=tuple(entry.get("messages", ())),
        rules=frozenset(entry.get("rules", ())),
        python_functions=frozenset(entry.get("python_functions", ())),
        both=bool(entry.get("both")),
        exact=bool(entry.get("exact")),
        in_use=bool(entry.get("in_use")),
    )


@functools.cache
def popularity() -> Counter[str]:
    """In how many issues' patterns each C function stands: the more, the less it tells."""
    return Counter(
        name
        for issue in catalogue()
        for name in {name for pattern in issue.patterns for name in pattern.functions}
    )


@functools.cache
def functions_in(module: str) -> Mapping[str, Sequence[Issue]]:
    """The C functions that patterns of a module name, each with the issues whose they are."""
    found: dict[str, list[Issue]] = defaultdict(list)
    for issue in catalogue():
        for pattern in issue.patterns:
            for name in pattern.functions if pattern.module == module else ():
                found[name].append(issue)
    return found


@functools.cache
def patterns_with() -> Mapping[str, Sequence[Pattern]]:
    """The patterns that have each operation."""
    found: dict[str, list[Pattern]] = defaultdict(list)
    for issue in catalogue():
        for pattern in issue.patterns:
            for word in frozenset().union(*pattern.operations):
                found[word].append(pattern)
    return found


def modules_with(word: str, types: frozenset[str]) -> set[str | None]:
    """The modules of the patterns that may mean that operation where it is done to an object of
    these types; None where one names no module.

    ``encode`` of a dict is of ``json``, as ``encode`` of a codec is done to no dict.
    """
    return {
        pattern.module
        for pattern in patterns_with()[word]
        if not pattern.names_object or (pattern.types | pattern.families) & types
    }


def _words(group: Sequence[str]) -> Iterator[str]:
    for word in group:
        yield from map(bare, WORD_CLASSES.get(word, word).split())


def squeezed(text: str) -> str:
    """A text without its white space, which compilers and people set differently."""
    return re.sub(r"\s+", "", text)
