"""What a claim's arguments can be beside names and numbers: addresses, and texts that are marked.

The mark says whose text it is, which is what ``--redact`` goes by.
"""

from __future__ import annotations


class Address(int):
    """An address, or another word of memory, among a claim's arguments: written in hex.

    >>> f"at {Address(32)}"
    'at 0x20'
    """

    __slots__ = ()

    def __str__(self) -> str:
        return hex(self)

    __repr__ = __str__


class Data(str):
    """Text among a claim's arguments that is the program's own data: ``--redact`` leaves it out."""

    __slots__ = ()


class ThreadName(str):
    """A thread's name among a claim's arguments.

    ``--redact`` leaves it out, unless CPython itself gave it.
    """

    __slots__ = ()


class FilePath(str):
    """A file among a claim's arguments: ``--redact`` leaves its folders out."""

    __slots__ = ()


class Foreign(str):
    """A message that somebody else wrote (a C library, CPython, an extension).

    ``--redact`` leaves out what it quotes, folders of files and names of threads.
    """

    __slots__ = ()


def hexaddr(address: int | None) -> str:
    """An address as it is printed everywhere; it can be pasted into the next command."""
    return "?" if address is None else hex(address)
