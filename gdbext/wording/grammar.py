"""Articles and plurals."""

from __future__ import annotations

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
    """A count; ``{:thing}`` counts things.

    >>> f"{Number(1):block}, {Number(2):block}, {Number(-3)}"
    '1 block, 2 blocks, -3'
    """

    def __format__(self, spec: str) -> str:
        return (
            counted(self, spec) if spec.isalpha() and len(spec) > 1 else int.__format__(self, spec)
        )


def article(noun: str) -> str:
    """The noun with "a" or "an".

    >>> article("types.UnionType"), article("int"), article("union"), article("AttributeError")
    ('a types.UnionType', 'an int', 'a union', 'an AttributeError')
    """
    bare = noun.lstrip("_`'\"").lower()
    starts_with_vowel = bare[:1] in tuple("aeiou") and not bare.startswith(LIKE_YOU)
    return f"{'an' if starts_with_vowel else 'a'} {noun}"


LIKE_YOU = ("uni", "use", "uti", "eu", "one")
"""Words that begin with a vowel's letter, and not with its sound."""


def counted(count: int, thing: str) -> str:
    """The number with its noun.

    >>> counted(1, "block"), counted(0, "reference")
    ('1 block', '0 references')
    """
    return f"{int(count)} {thing}{'' if count == 1 else 's'}"


def joined(parts: tuple[str, ...], separator: str = "; ") -> str:
    """Several sentences as one."""
    return separator.join(parts)
