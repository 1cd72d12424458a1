"""Everything that other packages ask about an object's bytes."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects import instances, sequences
from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import (
    BROKEN,
    TRANSIENT,
    Decoded,
    Instance,
    Int,
    Reference,
    Undecodable,
    Violation,
)
from gdbext.cpython.objects.dictkeys import (
    LONGEST_NAME,
    ByName,
    DictEntry,
    by_text,
    dict_entries,
    find_key,
)
from gdbext.cpython.objects.families import OTHER, family_named, family_of
from gdbext.cpython.objects.family import Family
from gdbext.cpython.objects.instances import Attribute
from gdbext.cpython.objects.reader import FAULTS
from gdbext.cpython.objects.types import TypeInfo
from gdbext.cpython.objects.writer import Writer
from gdbext.model import AttributeSlot, Claim
from gdbext.target.protocol import Memory, MemoryFault


class Objects(Core):
    """Objects of one stopped target.  No method raises for bad memory but :meth:`header`.

    Example:
        >>> objects = Objects(session.memory, session.layout)  # doctest: +SKIP
        >>> objects.repr(0x20000375FB0)  # doctest: +SKIP
        "[int | str, <✗ not an object at 0x200000aff10>]"
    """

    def __init__(
        self,
        memory: Memory,
        layout: Layout,
        is_collecting: bool = False,
    ) -> None:
        super().__init__(memory, layout, is_collecting)
        self._families: dict[int, Family] = {}
        self._text_keys: dict[int, ByName[DictEntry]] = {}

    def family(self, info: TypeInfo) -> Family:
        """The family that instances of a type belong to."""
        if info.address not in self._families:
            self._families[info.address] = family_of(self, info)
        return self._families[info.address]

    def decode(self, address: int, expected: str | None = None) -> Decoded:
        """The object as data; :class:`Undecodable` with the reason if there is none.

        With ``expected`` (a ``tp_name`` such as ``types.UnionType``) the memory is read as an
        object of that type, whatever its header says.
        """
        info = self.type_of(address)
        family = family_named(expected) if expected else None
        try:
            if family is None:
                if info is None:
                    reasons = self.why_not_object(address)
                    return Undecodable(
                        address,
                        None,
                        Claim("several", claims=tuple(reason.claim for reason in reasons)),
                    )
                family = self.family(info)
            if family is OTHER:
                return Instance(address, info)
            return family.decode(
                self, address, info if info and self.family(info) is family else None
            )
        except FAULTS as fault:
            return Undecodable(address, info, fault.claim)

    def repr(
        self,
        address: int,
        limit: int = 200,
        depth: int = 4,
        is_stale: Callable[[int], bool] | None = None,
    ) -> str:
        """A repr like Python's own, of at most ``limit`` characters and ``depth`` containers in
        each other.

        Nothing is guessed: what is not an object is shown as such, and so is what ``is_stale``
        calls stale.
        """
        return Writer(self, self.family, limit, depth, is_stale).whole(address)

    def invariants(self, address: int, expected: str | None = None) -> list[Violation]:
        """What is broken about the object at ``address``, as one of the type ``expected`` (else: of
        its own type).
        """
        info = self.type_of(address)
        found = []
        family = self.family(info) if info else None
        wanted = family_named(expected) if expected else family
        try:
            header = self.header(address)
        except MemoryFault as fault:
            return [Violation("ob_type", fault.claim, address)]
        for reason in self.why_not_object(address):
            found.append(Violation.of("header", reason, address))
        if expected and info and family is not wanted and not self.is_a(info, expected):
            claim = Claim("type-is-not", type=info.name, expected=expected)
            found.append(
                Violation("ob_type", claim, header.place("ob_type"), header.ob_type, BROKEN)
            )
        # An object at its end drops what it holds, and leaves the pointers standing.
        for violation in self._violations(wanted.violations, address) if wanted else ():
            found.append(
                replace(violation, severity=TRANSIENT) if header.is_dead_shape else violation
            )
        return found

    def list_violations(self, address: int) -> list[Violation]:
        """What is broken about a list apart from its header and its items."""
        return list(self._violations(sequences.ListFamily().array_violations, address))

    def _violations(
        self, find: Callable[[Core, int], Iterator[Violation]], address: int
    ) -> Iterator[Violation]:
        """What a family finds, as far as memory can be read and the layout is known."""
        try:
            yield from find(self, address)
        except MemoryFault as fault:
            yield Violation(None, fault.claim, address)
        except UnknownLayout:
            return

    def children(self, address: int) -> Iterator[Reference]:
        """Every object pointer that the object holds and that is not NULL, be it valid or not.

        A list's items come by index, a dict's values by key, others by C field or attribute.
        """
        info = self.type_of(address)
        if info is None:
            return
        family = self.family(info)
        with suppress(*FAULTS):
            yield from family.references(self, address)
        yield from self._attribute_references(address, info)

    def _attribute_references(self, address: int, info: TypeInfo) -> Iterator[Reference]:
        """What the class gives the instance beside its family's struct."""
        with suppress(*FAULTS):
            for entry in instances.inline_entries(self, address, info):
                if entry.value:
                    name = self.name(entry.key) if entry.key else None
                    yield Reference(entry.value, AttributeSlot(name or "None"), entry.value_address)
            pointer = instances.dict_pointer(self, address, info)
            if pointer and pointer.value and not self._is_slot(info, pointer.address - address):
                yield Reference(pointer.value, "__dict__", pointer.address)
        for found in instances.slot_attributes(self, address, info):
            yield Reference(found.value, AttributeSlot(found.name), found.address)

    def _is_slot(self, info: TypeInfo, offset: int) -> bool:
        family = self.family(info)
        return any(
            self.layout.offset(family.struct, slot.name) == offset
            for slot in family.known_slots(self)
        )

    def attributes(self, address: int) -> list[Attribute]:
        """The attributes that are set on the instance itself, in order."""
        info = self.type_of(address)
        return list(instances.attributes(self, address, info)) if info else []

    def attribute(self, address: int, name: str) -> int | None:
        """One of :meth:`attributes`; None if it is not set."""
        return instances.attribute_of(self, address, name)

    def list_items(self, address: int, stop: int | None = None) -> array[int]:
        """The item pointers of a list, at most ``stop``, in one read; empty if unreadable."""
        try:
            return sequences.list_items(self, address, stop)
        except FAULTS:
            return array("Q")

    def tuple_items(self, address: int, stop: int | None = None) -> array[int]:
        """The item pointers of a tuple; see :meth:`list_items`."""
        try:
            return sequences.tuple_items(self, address, stop)
        except FAULTS:
            return array("Q")

    def int_value(self, address: int) -> int | None:
        """The value of an ``int`` (or ``bool``); None if there is none."""
        found = self.decode(address)
        return found.value if isinstance(found, Int) else None

    def dict_items(self, address: int) -> list[tuple[int, int]]:
        """(key, value) pointers of a dict, in order, as far as they can be read."""
        found: list[tuple[int, int]] = []
        with suppress(*FAULTS):
            found.extend((entry.key, entry.value) for entry in dict_entries(self, address))
        return found

    def dict_get_str(self, address: int, key: str) -> int | None:
        """The value of a dict's string key; None if it is not there."""
        try:
            if len(key) > LONGEST_NAME:
                found = find_key(self, dict_entries(self, address), key)
            else:
                if address not in self._text_keys:
                    self._text_keys[address] = ByName(by_text(self, dict_entries(self, address)))
                found = self._text_keys[address].find(key)
        except FAULTS:
            return None
        return found.value if found else None


__all__ = ["Objects"]
