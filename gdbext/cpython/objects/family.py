"""What a family of types has to say of its objects; the general case is a C struct with pointers to
objects in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import BROKEN, TRANSIENT, Decoded, Reference, Slotted, Violation
from gdbext.cpython.objects.types import TypeInfo
from gdbext.frozen import dataclass
from gdbext.model import Claim, Slot

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


@dataclass(frozen=True)
class PointerField:
    """A pointer in a C struct.

    ``wants`` names the type that the target must be of (``exact``: not of a subclass); ``null`` is
    what NULL means: None (legal), ``transient`` or ``broken``.  ``counted`` is False for a borrowed
    reference.
    """

    name: str
    wants: str | None = None
    exact: bool = False
    null: str | None = None
    counted: bool = True


class Family:
    """Types whose objects start with the same C struct.

    ``names`` are the types' ``tp_name`` (all versions').
    """

    names: tuple[str, ...] = ()
    struct = "PyObject"
    slots: tuple[PointerField, ...] = ()
    shows_overridden = True
    """Whether its repr is worth showing for a subclass whose own ``__repr__`` says something else.
    """
    cycle = "..."
    """What the repr shows for an object inside itself."""

    def __init__(
        self,
        names: str = "",
        struct: str = "",
        slots: tuple[PointerField, ...] = (),
    ) -> None:
        self.names = tuple(names.split()) or self.names
        self.struct = struct or self.struct
        self.slots = slots or self.slots

    @property
    def name(self) -> str:
        """The type's name, the first of them."""
        return self.names[0]

    def known_slots(self, core: Core) -> list[PointerField]:
        """Those that this version has."""
        return core.memo(("slots", id(self)), lambda: self._known_slots(core))

    def _known_slots(self, core: Core) -> list[PointerField]:
        known = core.layout.find(self.struct)
        return [slot for slot in self.slots if slot.name in known] if known is not None else []

    def fits(self, core: Core, info: TypeInfo) -> bool:
        """Whether instances of the type are large enough to hold the slots: a check on the name
        alone.
        """
        if self.slots and core.layout.find(self.struct) is None:
            return False
        if info.basicsize is None:
            return True
        places = [core.layout.offset(self.struct, slot.name) for slot in self.known_slots(core)]
        return info.basicsize >= max(places, default=0) + 8

    def slot_values(self, core: Core, address: int) -> dict[str, int]:
        """The slots' words by C field.

        Raises:
            MemoryFault
        """
        names = [slot.name for slot in self.known_slots(core)]
        return dict(zip(names, core.fields(self.struct, address, *names))) if names else {}

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        """The object as data.

        Raises:
            MemoryFault, UnknownLayout
        """
        core.layout.struct(self.struct)
        return Slotted(address, info, self.name, self.slot_values(core, address))

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        """Every counted ``PyObject *`` that is not NULL, without the attributes that a class of
        Python's adds.

        Raises:
            MemoryFault, UnknownLayout
        """
        values = self.slot_values(core, address)
        for slot in self.known_slots(core):
            if values[slot.name] and slot.counted:
                yield Reference(
                    values[slot.name],
                    slot.name,
                    address + core.layout.offset(self.struct, slot.name),
                )

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        """The invariants that do not hold.

        Raises:
            MemoryFault, UnknownLayout
        """
        values = self.slot_values(core, address)
        for slot in self.known_slots(core):
            place = address + core.layout.offset(self.struct, slot.name)
            yield from check_pointer(
                core,
                slot.name,
                place,
                values[slot.name],
                wants=slot.wants,
                exact=slot.exact,
                null=slot.null,
                counted=slot.counted,
            )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        """The repr in pieces, as Python's own would be.

        Raises:
            MemoryFault, UnknownLayout
        """
        yield f"<{write.core.type_name(info)} object at {address:#x}>"


def check_pointer(
    core: Core,
    slot: Slot,
    place: int,
    value: int,
    *,
    wants: str | None = None,
    exact: bool = False,
    null: str | None = None,
    counted: bool = True,
) -> Iterator[Violation]:
    """Whether the word at ``place`` is what the slot may hold; see :class:`PointerField`."""
    if value == 0:
        if null:
            yield Violation(slot, Claim("null", slot=slot), place, value, null)
        return
    reasons = core.why_not_object(value)
    if reasons:
        # A borrowed reference may outlive its target for a moment.
        severity = BROKEN if counted else TRANSIENT
        yield Violation(
            slot,
            Claim("not-an-object", slot=slot, reason=reasons[0].claim),
            place,
            value,
            severity,
        )
        return
    info = core.type_of(value)
    if wants and info and not core.is_a(info, wants, exact):
        exactly = exact and core.is_a(info, wants)
        claim = Claim("wrong-type", slot=slot, type=info.name, wanted=wants, exactly=exactly)
        yield Violation(slot, claim, place, value)


def optional(wants: str | None, *names: str, exact: bool = False) -> tuple[PointerField, ...]:
    """Slots where NULL is legal."""
    return tuple(PointerField(name, wants, exact) for name in names)


def required(
    wants: str | None, *names: str, exact: bool = False, null: str = BROKEN
) -> tuple[PointerField, ...]:
    """Slots where NULL is not."""
    return tuple(PointerField(name, wants, exact, null) for name in names)
