"""What a person may have meant by a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CLOSE = 0.5
"""How alike two names are at least, of 1.0 for equal ones."""


def nearest(word: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The names most like ``word``, the likest first; none where none is like it.

    >>> nearest("tirage", ["triage", "attach", "run"])
    ['triage']
    >>> nearest("dead", ["deadlock", "abort"])
    ['deadlock']
    """
    return difflib.get_close_matches(word, list(names), count, CLOSE)


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The end of a message about an unknown name.

    >>> did_you_mean("tuble", ["tuple", "list"])
    'did you mean tuple?'
    >>> did_you_mean("moon", ["list", "dict"])
    'there are: list, dict'
    """
    known = list(names)
    found = nearest(word, known)
    if not found:
        return f"there are: {', '.join(known)}"
    return f"did you mean {' or '.join(found)}?"


__all__ = ["did_you_mean", "nearest"]
