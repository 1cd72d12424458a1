"""Versions of CPython, and what a list of releases says of one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

Version = tuple[int, int, int, int, int]
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?\Z")
LEVELS = {"a": 0, "b": 1, "rc": 2, None: 3}
FINAL = LEVELS[None]


def parse_version(text: str) -> Version:
    """A version that can be compared; a release comes after its candidates.

    >>> parse_version("3.14.0b3") < parse_version("3.14.0")
    True

    Raises:
        ValueError: when it is not a version of this form.
    """
    found = VERSION.match(text)
    if not found:
        raise ValueError(f"not a version: {text!r}")
    return int(found[1]), int(found[2]), int(found[3]), LEVELS[found[4]], int(found[5] or 0)


def has_fix(version: Version, fixed_in: Iterable[str]) -> bool:
    """Whether a version contains a fix that came out in ``fixed_in`` (one release for each series,
    as a rule).

    A series that is not listed has the fix if it began after one that is.
    """
    fixes = [parse_version(text) for text in fixed_in]
    mine = [fix for fix in fixes if fix[:2] == version[:2]]
    if mine:
        return version >= min(mine)
    return any(fix[:2] < version[:2] for fix in fixes)


def is_affected(version: Version, ranges: Iterable[str]) -> bool | None:
    """Whether one of the ranges (``3.13``, ``3.13.0-3.13.3``, ``3.14.7``) has the version; None if
    it is later than them all.

    >>> ranges = ["3.13.0-3.13.3", "3.14"]
    >>> [is_affected(parse_version(text), ranges) for text in ("3.13.2", "3.13.4", "3.15.0")]
    [True, False, None]
    """
    is_later = True
    for text in ranges:
        low, _, high = text.partition("-")
        if low.count(".") == 1:
            series = tuple(int(number) for number in low.split("."))
            if version[:2] == series:
                return True
            is_later &= version[:2] > series
        elif parse_version(low) <= version <= parse_version(high or low):
            return True
        else:
            is_later &= version > parse_version(high or low)
    return None if is_later else False


def precedes_fix(version: Version, fixed_in: Iterable[str]) -> bool:
    """Whether the version is a pre-release of a series that got the fix, and older than that.

    >>> [precedes_fix(parse_version(v), ["3.15.0a6"]) for v in ("3.15.0a0", "3.15.0a6", "3.16.0")]
    [True, False, False]
    """
    fixes = [parse_version(text) for text in fixed_in]
    is_early = version[3] != FINAL
    return is_early and any(fix[:2] == version[:2] and version < fix for fix in fixes)
