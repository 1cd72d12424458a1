"""Finds the type in whose slot, method or getter table a C function stands.

``union_repr`` is ``tp_repr`` of ``types.UnionType``, so its first argument is one.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.strings import read_cstring
from gdbext.cpython.traits.types import canonical, same_struct
from gdbext.diagnosis.facts.frames import SlotOwner
from gdbext.target.protocol import Memory, MemoryFault, Region

MAX_TABLE = 400
MAX_BASES = 32
MAX_OWNERS = 16
MAX_DATA = 64 << 20
SMALL = 1 << 16
PROTOCOLS = {
    "tp_as_number": "PyNumberMethods",
    "tp_as_sequence": "PySequenceMethods",
    "tp_as_mapping": "PyMappingMethods",
    "tp_as_async": "PyAsyncMethods",
    "tp_as_buffer": "PyBufferProcs",
}


class SlotIndex:
    """Finds the type that a C function belongs to, in the data of the module that has
    the function.
    """

    def __init__(
        self,
        memory: Memory,
        layout: Layout,
        objects: Objects,
        regions: Callable[[], Sequence[Region]],
    ) -> None:
        self._memory = memory
        self._layout = layout
        self._objects = objects
        self._regions = regions
        self._data: dict[str, dict[int, list[int]]] = {}
        self._known: dict[int, SlotOwner | None] = {}

    def owner(self, function: int, module: str | None) -> SlotOwner | None:
        """The type whose slot, method or getter the function at this start address is; None if none
        is found.
        """
        if function not in self._known:
            try:
                self._known[function] = self._search(function, module) if module else None
            except (MemoryFault, UnknownLayout):
                self._known[function] = None
        return self._known[function]

    def _pointers(self, module: str) -> dict[int, list[int]]:
        """Where each word of the module's data stands, by value; small values are no pointers."""
        if module not in self._data:
            found: dict[int, list[int]] = defaultdict(list)
            regions = list(self._regions())
            for number, region in enumerate(regions):
                # A core names only regions that a file backs; .data's private pages keep the file's
                # name.
                if (
                    region.path != module
                    or region.end - region.start > MAX_DATA
                    or not _may_hold_pointers(regions, number)
                ):
                    continue
                try:
                    words = array(
                        "Q", self._memory.read(region.start, region.end - region.start & ~7)
                    )
                except MemoryFault:
                    continue
                for place, word in zip(range(region.start, region.end, 8), words):
                    if word > SMALL:
                        found[word].append(place)
            self._data[module] = found
        return self._data[module]

    def _places(self, pointer: int, module: str) -> Sequence[int]:
        """Aligned places in the module's data that hold this pointer."""
        return self._pointers(module).get(pointer, ())

    def _search(self, function: int, module: str) -> SlotOwner | None:
        found: list[SlotOwner] = []
        for place in self._places(function, module)[:MAX_OWNERS]:
            owner = (
                self._type_slot(place)
                or self._protocol_slot(place, module)
                or self._method(place, module)
            )
            if owner:
                found.append(self._most_base(owner, function))
                if found[-1].type_name == "object":
                    return found[-1]
        names = {owner.type_name for owner in found}
        is_shared = not all(same_struct(found[0].type_name, name) for name in names)
        return replace(found[0], is_shared=is_shared) if found else None

    def _most_base(self, owner: SlotOwner, function: int) -> SlotOwner:
        """Types inherit slots: the owner is the base furthest up that has the same function in the
        same slot.
        """
        layout = self._layout.struct("PyTypeObject")
        if owner.type_address is None or owner.slot not in layout:
            return owner
        best = owner
        address = owner.type_address
        for _ in range(MAX_BASES):
            address = self._word(address + layout.offset("tp_base"))
            info = self._objects.type_info(address) if address else None
            if info is None or self._word(address + layout.offset(owner.slot)) != function:
                break
            best = SlotOwner(canonical(info.name) or info.name, address, owner.slot)
        return best

    def _word(self, address: int) -> int:
        return int.from_bytes(self._memory.read(address, 8), "little")

    def _type_slot(self, place: int, names: Sequence[str] | None = None) -> SlotOwner | None:
        layout = self._layout.struct("PyTypeObject")
        for name in names or TYPE_SLOTS:
            if name in layout:
                base = place - layout.offset(name)
                info = self._objects.type_info(base)
                if info is not None:
                    return SlotOwner(canonical(info.name) or info.name, base, name)
        return None

    def _protocol_slot(self, place: int, module: str) -> SlotOwner | None:
        for member, struct in PROTOCOLS.items():
            methods = self._layout.find(struct)
            if methods is None:
                continue
            for name in PROTOCOL_SLOTS[struct]:
                if name not in methods:
                    continue
                for user in self._places(place - methods.offset(name), module):
                    if owner := self._type_slot(user, [member]):
                        return SlotOwner(owner.type_name, owner.type_address, name)
        return None

    def _method(self, place: int, module: str) -> SlotOwner | None:
        """A PyMethodDef {name, function, flags, doc} or PyGetSetDef {name, get, set, doc, closure}
        entry.
        """
        for member, stride, position, form in (
            ("tp_methods", 32, 8, "{}()"),
            ("tp_getset", 40, 8, ".{}"),
            ("tp_getset", 40, 16, ".{} ="),
        ):
            entry = place - position
            name = self._name_at(entry)
            if name is None:
                continue
            for back in range(MAX_TABLE):
                start = entry - back * stride
                if back and self._name_at(start) is None:
                    break
                for user in self._places(start, module):
                    if owner := self._type_slot(user, [member]):
                        return SlotOwner(owner.type_name, owner.type_address, form.format(name))
        return None

    def _name_at(self, place: int) -> str | None:
        try:
            pointer = int.from_bytes(self._memory.read(place, 8), "little")
            text = read_cstring(self._memory, pointer, 80) if pointer else None
        except MemoryFault:
            return None
        return text if text and text.isidentifier() else None


def slot_function(memory: Memory, layout: Layout, type_address: int, slot: str) -> int | None:
    """The function that a type has in a slot of its own, or of one of its protocols (``tp_repr``,
    ``sq_item``); None where it has none, and for what is not a slot.
    """
    try:
        if slot in layout.struct("PyTypeObject"):
            return _pointer(memory, type_address + layout.offset("PyTypeObject", slot))
        for member, struct in PROTOCOLS.items():
            if slot in PROTOCOL_SLOTS[struct] and layout.find(struct) is not None:
                table = _pointer(memory, type_address + layout.offset("PyTypeObject", member))
                return _pointer(memory, table + layout.offset(struct, slot)) if table else None
    except (MemoryFault, UnknownLayout):
        pass
    return None


def _pointer(memory: Memory, place: int) -> int | None:
    return int.from_bytes(memory.read(place, 8), "little") or None


def _may_hold_pointers(regions: Sequence[Region], index: int) -> bool:
    """Writable data, or the read-only tail that the loader relocated (RELRO), which lies right
    before it.
    """
    region = regions[index]
    if region.writable:
        return True
    return any(
        r.path == region.path and r.writable and r.start == region.end
        for r in regions[index + 1 : index + 2]
    )


TYPE_SLOTS = [
    "tp_repr",
    "tp_dealloc",
    "tp_getattr",
    "tp_setattr",
    "tp_hash",
    "tp_call",
    "tp_str",
    "tp_getattro",
    "tp_setattro",
    "tp_traverse",
    "tp_clear",
    "tp_richcompare",
    "tp_iter",
    "tp_iternext",
    "tp_descr_get",
    "tp_descr_set",
    "tp_init",
    "tp_new",
    "tp_finalize",
    "tp_del",
    "tp_alloc",
    "tp_free",
]
PROTOCOL_SLOTS = {
    "PyNumberMethods": [
        "nb_add",
        "nb_subtract",
        "nb_multiply",
        "nb_remainder",
        "nb_divmod",
        "nb_power",
        "nb_negative",
        "nb_positive",
        "nb_absolute",
        "nb_bool",
        "nb_invert",
        "nb_lshift",
        "nb_rshift",
        "nb_and",
        "nb_xor",
        "nb_or",
        "nb_int",
        "nb_float",
        "nb_inplace_add",
        "nb_inplace_subtract",
        "nb_inplace_multiply",
        "nb_inplace_remainder",
        "nb_inplace_power",
        "nb_inplace_lshift",
        "nb_inplace_rshift",
        "nb_inplace_and",
        "nb_inplace_xor",
        "nb_inplace_or",
        "nb_floor_divide",
        "nb_true_divide",
        "nb_inplace_floor_divide",
        "nb_inplace_true_divide",
        "nb_index",
        "nb_matrix_multiply",
        "nb_inplace_matrix_multiply",
    ],
    "PySequenceMethods": [
        "sq_length",
        "sq_concat",
        "sq_repeat",
        "sq_item",
        "sq_ass_item",
        "sq_contains",
        "sq_inplace_concat",
        "sq_inplace_repeat",
    ],
    "PyMappingMethods": ["mp_length", "mp_subscript", "mp_ass_subscript"],
    "PyAsyncMethods": ["am_await", "am_aiter", "am_anext", "am_send"],
    "PyBufferProcs": ["bf_getbuffer", "bf_releasebuffer"],
}
