"""Articles and plurals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

Word: TypeAlias = Any
"""An argument of a claim, ready to be formatted."""
Sentence: TypeAlias = str | Callable[..., str]
"""A template, or a function of a claim's arguments (by name) that gives the text."""


class Phrase(str):
    """A word or several; ``{:a}`` puts the article before it.

    >>> f"{Phrase('list'):a}, {Phrase('int'):a}"
    'a list, an int'
    """

    def __format__(self, spec: str) -> str:
        if spec == "a":
            return article(self)
        # A count that was left out is a phrase, too.
        return f"{self} {spec}s" if spec.isalpha() else str.__format__(self, spec)


class Number(int):
    """A count; ``{:thing}`` counts things, ``{:a}`` puts the article before it.

    >>> f"{Number(1):block}, {Number(2):block}, {Number(-3)}, {Number(80):a}-byte block"
    '1 block, 2 blocks, -3, an 80-byte block'
    """

    def __format__(self, spec: str) -> str:
        if spec == "a":
            return article(str(int(self)))
        return (
            counted(self, spec) if spec.isalpha() and len(spec) > 1 else int.__format__(self, spec)
        )


def article(noun: str) -> str:
    """The noun with "a" or "an".

    >>> article("types.UnionType"), article("int"), article("union"), article("AttributeError")
    ('a types.UnionType', 'an int', 'a union', 'an AttributeError')
    >>> article("uninitialised int"), article("xml.sax.Parser"), article("80-byte block")
    ('an uninitialised int', 'an xml.sax.Parser', 'an 80-byte block')
    """
    bare = noun.lstrip("_`'\"").lower()
    sounds_open = SOUNDS_OPEN.match(bare) is not None
    return f"{'an' if sounds_open else 'a'} {noun}"


SOUNDS_OPEN = re.compile(
    r"(?!uni(?!n)|us|ut|uu|eu|one)[aeiou]"  # a union, a user, a utility, a UUID, a one-shot …
    r"|(?:hour|html|http|hmac|lru|lzma|mmap|ssl|xml)"  # names that are spelled out
    r"|(?:8|1[18](?!\d))"  # eight …, eleven, eighteen
)
"""How words begin that have a vowel's sound first, whatever the letter."""


def counted(count: int, thing: str) -> str:
    """The number with its noun.

    >>> counted(1, "block"), counted(0, "reference")
    ('1 block', '0 references')
    """
    return f"{int(count)} {thing}{'' if count == 1 else 's'}"


def in_seconds(seconds: float) -> str:
    """A time: whole seconds from ten on.

    >>> in_seconds(30.1122), in_seconds(60.0), in_seconds(2.5)
    ('30 s', '60 s', '2.5 s')
    """
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def joined(parts: tuple[str, ...], separator: str = "; ") -> str:
    """Several sentences as one."""
    return separator.join(parts)
