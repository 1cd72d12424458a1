"""What decoding gives: plain data, one dataclass for each kind of object."""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from gdbext.cpython.objects.strings import StrState
from gdbext.cpython.objects.types import TypeInfo
from gdbext.frozen import dataclass
from gdbext.model import Claim, Evidence, Slot

BROKEN = "broken"
TRANSIENT = "transient"


class Reference(NamedTuple):
    """A ``PyObject *`` that an object holds."""

    target: int
    slot: Slot
    slot_address: int


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold: at ``address`` stands ``value``.

    ``severity`` is ``broken`` for what CPython never lets anybody see, ``transient`` for what
    stands there while an operation is under way, before ``__init__`` or at the object's end.
    """

    slot: Slot | None
    """Which of its pointers or fields; ``header`` for the object's header, None for the whole."""
    claim: Claim
    address: int
    value: int | None = None
    severity: str = BROKEN

    @classmethod
    def of(cls, slot: Slot | None, reason: Evidence, address: int) -> Violation:
        """What evidence of an object at ``address`` says is broken."""
        assert isinstance(reason.claim, Claim)
        value = reason.value if isinstance(reason.value, int) else None
        return cls(slot, reason.claim, reason.address or address, value)

    def evidence(self, about: int | None = None) -> Evidence:
        """The claim with its place in memory, for a report."""
        return Evidence(self.claim, self.address, self.value, about, broken=True)


# Not frozen: a frozen dataclass takes three times as long to define, and every start of a debugger
# pays for that.
@dataclass
class Decoded:
    """An object; ``type`` is None when it was decoded as what it was expected to be, though its
    type says otherwise.
    """

    address: int
    type: TypeInfo | None


@dataclass
class Undecodable(Decoded):
    """There is no object, or it cannot be read."""

    reason: Claim


@dataclass
class Instance(Decoded):
    """An object that has only what its class gives it: see ``Objects.attributes``."""


@dataclass
class Slotted(Decoded):
    """An object whose C struct holds pointers: a union, a function, a cell …  ``slots`` has them by
    C field.
    """

    family: str
    slots: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        return self.slots[name]


@dataclass
class List(Decoded):
    """``buffer`` is ``ob_item``; ``capacity`` the word before it, which lock-free readers go by
    (None without a buffer).
    """

    length: int
    buffer: int
    allocated: int | None
    capacity: int | None


@dataclass
class Tuple(Decoded):
    """``buffer`` is the address of the first item."""

    length: int
    buffer: int


@dataclass
class Dict(Decoded):
    """``kind`` is ``general``, ``unicode`` or ``split``; ``values`` the address of a split dict's
    values (0 otherwise).

    ``is_embedded``: these values are an instance's inline values.
    """

    length: int
    keys: int
    values: int
    kind: str
    entries: int
    """How many entries of ``keys`` are in use, deleted ones included."""
    usable: int
    is_embedded: bool = False


@dataclass
class Set(Decoded):
    """``fill`` counts deleted entries too; ``table`` has ``mask`` + 1 entries."""

    length: int
    fill: int
    mask: int
    table: int
    is_small: bool
    """The table is the one inside the object."""


@dataclass
class Str(Decoded):
    """The text, cut to 1,000 characters."""

    text: str
    state: StrState


@dataclass
class Bytes(Decoded):
    """A ``bytes`` or ``bytearray``; ``data`` is cut to 1,000 bytes, which stand at ``buffer``."""

    length: int
    data: bytes
    buffer: int
    exports: int = 0
    """Buffers taken from a bytearray."""


@dataclass
class Int(Decoded):
    """An ``int`` or ``bool``; ``value`` is None when it has more than
    :data:`gdbext.cpython.objects.numbers.MAX_DIGITS` digits.
    """

    value: int | None
    digits: int


@dataclass
class Float(Decoded):
    """A float."""

    value: float


@dataclass
class Complex(Decoded):
    """A complex number."""

    value: complex


@dataclass
class Singleton(Decoded):
    """``None``, ``Ellipsis`` or ``NotImplemented``."""

    name: str


@dataclass
class Type(Decoded):
    """A class: ``info`` is what it says of its instances."""

    info: TypeInfo
    module: str | None
    qualname: str


@dataclass
class Code(Decoded):
    """A code object: where its function is in the source."""

    name: str | None
    qualname: str | None
    filename: str | None
    firstlineno: int
    slots: dict[str, int]
