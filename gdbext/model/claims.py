"""What is said, before it is English: a claim, how sure it is, and the evidence for it.

Example:
    >>> claim = Claim("type-is", type="list")
    >>> claim.kind, claim["type"]
    ('type-is', 'list')
    >>> Evidence(claim, 0x200000AFF28, 0x9C1A40).value
    10230336
"""

from __future__ import annotations

import enum
from typing import TypeAlias

from gdbext.frozen import dataclass
from gdbext.model.operations import Operation
from gdbext.model.slots import AttributeSlot, EntrySlot, KeySlot, ValueSlot


class Confidence(str, enum.Enum):
    """How far a statement goes: ``PROVEN`` means that memory admits no other reading."""

    PROVEN = "proven"
    LIKELY = "likely"
    POSSIBLE = "possible"

    def __str__(self) -> str:
        return self.value

    @property
    def rank(self) -> int:
        """0 is the strongest; for sorting."""
        return ("proven", "likely", "possible").index(self.value)


Argument: TypeAlias = (
    "int | float | str | Operation | AttributeSlot | KeySlot | ValueSlot | EntrySlot | Claim"
    " | tuple[Argument, ...] | None"
)
"""A plain ``str`` is a name (of a type, a function, a field, a module) or a word of CPython's."""


@dataclass(frozen=True, init=False, repr=False)
class Claim:
    """A statement as a value: its ``kind``, and the arguments of its sentence by name.

    Nothing but :mod:`gdbext.wording` knows the sentence; whoever decides something by a claim asks
    for its kind or for an argument.

    >>> Claim("refcount-below-zero", count=-1)
    Claim('refcount-below-zero', count=-1)
    >>> Claim("refcount-below-zero", count=-1)["count"]
    -1
    """

    kind: str
    arguments: tuple[tuple[str, Argument], ...]

    def __init__(self, kind: str, /, **arguments: Argument) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "arguments", tuple(arguments.items()))

    def __getitem__(self, name: str) -> Argument:
        """The argument of that name.

        Raises:
            KeyError: when this kind of claim has none.
        """
        return dict(self.arguments)[name]

    def __repr__(self) -> str:
        shown = "".join(f", {name}={value!r}" for name, value in self.arguments)
        return f"Claim({self.kind!r}{shown})"


def kind_of(claim: Claim | str) -> str:
    """The kind of a claim; nothing of a text."""
    return claim.kind if isinstance(claim, Claim) else ""


@dataclass(frozen=True)
class Evidence:
    """One claim that a reader can check with the debugger's own ``x`` command.

    At ``address`` stands ``value``.
    """

    claim: Claim | str
    address: int | None = None
    value: int | str | Claim | None = None
    about: int | None = None
    """Address of the object that the claim is about (the finding's subject or container).

    None: the finding as a whole.
    """
    broken: bool = False
    """An invariant is broken; reports mark it with a sign and in the error style."""
    private: bool = False
    """``value`` is data of the program: ``--redact`` leaves it out."""
