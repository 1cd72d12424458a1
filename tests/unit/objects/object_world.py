"""A small CPython in fake memory: types and objects with true layouts, written the way CPython
writes them.

>>> world = World("3.13.5")
>>> world.objects.repr(world.put([1, "x"]))
"[1, 'x']"
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from typing import Any

from fakes import VERSIONS, FakeMemory, shipped_table
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.header import DEFERRED, IMMORTAL_LOCAL
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import (
    HAVE_GC,
    HEAPTYPE,
    IMMUTABLETYPE,
    INLINE_VALUES,
    ITEMS_AT_END,
    MANAGED_DICT,
    READY,
    SUBCLASS_BITS,
)

HEAP = 0x200_0000_0000
SIZE = 1 << 20
TID = 0x7F00_0000_0740

# tp_name: (C struct, itemsize)
BUILTINS = {
    "object": ("PyObject", 0),
    "type": ("PyHeapTypeObject", 40),
    "int": ("PyLongObject", 4),
    "bool": ("PyLongObject", 4),
    "float": ("PyFloatObject", 0),
    "complex": ("PyComplexObject", 0),
    "str": ("PyUnicodeObject", 0),
    "bytes": ("PyBytesObject", 1),
    "bytearray": ("PyByteArrayObject", 0),
    "list": ("PyListObject", 0),
    "tuple": ("PyTupleObject", 8),
    "dict": ("PyDictObject", 0),
    "set": ("PySetObject", 0),
    "frozenset": ("PySetObject", 0),
    "NoneType": ("PyObject", 0),
    "ellipsis": ("PyObject", 0),
    "types.UnionType": ("unionobject", 0),
    "types.GenericAlias": ("gaobject", 0),
    "classmethod": ("classmethod", 0),
    "staticmethod": ("staticmethod", 0),
    "types.SimpleNamespace": ("_PyNamespaceObject", 0),
    "function": ("PyFunctionObject", 0),
    "method": ("PyMethodObject", 0),
    "builtin_function_or_method": ("PyCFunctionObject", 0),
    "method_descriptor": ("PyMethodDescrObject", 0),
    "member_descriptor": ("PyMemberDescrObject", 0),
    "method-wrapper": ("wrapperobject", 0),
    "coroutine": ("PyCoroObject", 0),
    "cell": ("PyCellObject", 0),
    "module": ("PyModuleObject", 0),
    "weakref.ReferenceType": ("PyWeakReference", 0),
    "BaseException": ("PyBaseExceptionObject", 0),
    "StopIteration": ("PyStopIterationObject", 0),
    "code": ("PyCodeObject", 1),
    "generator": ("PyGenObject", 8),
    "slice": ("PySliceObject", 0),
    "range": ("rangeobject", 0),
    "mappingproxy": ("mappingproxyobject", 0),
    "memoryview": ("PyMemoryViewObject", 8),
    "dict_keys": ("_PyDictViewObject", 0),
    "dict_items": ("_PyDictViewObject", 0),
    "collections.deque": ("dequeobject", 0),
    "collections.defaultdict": ("defdictobject", 0),
    "collections.OrderedDict": ("PyODictObject", 0),
    "functools.partial": ("partialobject", 0),
    "list_iterator": ("_PyListIterObject", 0),
    "typing.TypeVar": ("typevarobject", 0),
    "super": ("superobject", 0),
    "_contextvars.Context": ("PyContext", 0),
    "_queue.SimpleQueue": ("simplequeueobject", 0),
    "_asyncio.Task": ("TaskObj", 0),
    "property": ("propertyobject", 0),
    "map": ("mapobject", 0),
    "itertools.repeat": ("repeatobject", 0),
    "odict_iterator": ("odictiterobject", 0),
}
BASES = {
    "bool": "int",
    "StopIteration": "BaseException",
    "collections.defaultdict": "dict",
    "collections.OrderedDict": "dict",
}
C_HEAP_TYPES = (
    "collections.deque",
    "collections.defaultdict",
    "functools.partial",
    "typing.TypeVar",
)


class World:
    """Memory with CPython's types in it, and a bump allocator for objects."""

    def __init__(self, version: str = "3.13.5", flavour: str = "release") -> None:
        self.version = version
        self.layout = Layout(lambda name: None, None, shipped_table(version, flavour))
        self.memory = FakeMemory()
        self.memory.map(HEAP, SIZE)
        self.next = HEAP + 64
        self.types: dict[str, int] = {}
        self.repr_functions: dict[str, int] = {}
        for name in BUILTINS:
            self.types[name] = self._room("PyHeapTypeObject")
        for name, (struct_name, itemsize) in BUILTINS.items():
            self._builtin_type(name, struct_name, itemsize)
        self.none = self.object("NoneType")
        self.ellipsis = self.object("ellipsis")
        self.empty_keys = self._keys(0, 3, 1, 0, [])
        self.objects = Objects(self.memory, self.layout)

    # Raw memory

    def allocate(self, size: int) -> int:
        """Zeroed room with 16 bytes before it, for a pre-header."""
        address = (self.next + 16 + 15) // 16 * 16
        self.next = address + size + 8
        assert self.next < HEAP + SIZE
        return address

    def _room(self, struct_name: str) -> int:
        return self.allocate(self.layout.size(struct_name))

    def set(self, struct_name: str, address: int, /, **values: int) -> None:
        """Fields by C name; a dot in a path is written as two underscores."""
        for name, value in values.items():
            field = self.layout.struct(struct_name).field(name.replace("__", "."))
            if field.bits:
                byte = (
                    self.memory.read(address + field.offset, 1)[0]
                    & ~((1 << field.bits) - 1 << field.bit)
                    | value << field.bit
                )
                self.memory.write(address + field.offset, bytes([byte]))
            else:
                value &= (1 << 8 * field.size) - 1
                self.memory.write(address + field.offset, value.to_bytes(field.size, "little"))

    def words(self, *values: int) -> bytes:
        return struct.pack(f"<{len(values)}Q", *values)

    def cstring(self, text: str) -> int:
        data = text.encode() + b"\0"
        address = self.allocate(len(data))
        self.memory.write(address, data)
        return address

    # Types

    def _builtin_type(self, name: str, struct_name: str, itemsize: int) -> None:
        address = self.types[name]
        known = self.layout.find(struct_name)
        basicsize = known.size if known else 40
        basicsize -= 8 if name == "tuple" else 0
        flags = READY | HAVE_GC | (HEAPTYPE | IMMUTABLETYPE if name in C_HEAP_TYPES else 0)
        base = BASES.get(name, "object")
        for ancestor in (name, base):
            flags |= SUBCLASS_BITS.get(ancestor, 0)
        self.immortal(address, self.types["type"])
        self.repr_functions[name] = 0x40_0000 + 16 * len(self.repr_functions)
        self.set(
            "PyTypeObject",
            address,
            tp_name=self.cstring(name),
            tp_basicsize=basicsize,
            tp_itemsize=itemsize,
            tp_flags=flags | (ITEMS_AT_END if name == "type" else 0),
            tp_base=0 if name == "object" else self.types[base],
            tp_repr=self.repr_functions["BaseException" if name == "StopIteration" else name],
        )

    def new_class(
        self,
        name: str,
        base: str = "object",
        module: str = "__main__",
        slots: Sequence[str] = (),
        names: Sequence[str] = (),
        own_repr: bool = False,
    ) -> int:
        """A class statement's class: with inline values for attributes ``names`` if the base is
        ``object``, and ``__slots__``.
        """
        size = self.layout.size("PyHeapTypeObject")
        member = self.layout.size("PyMemberDef")
        address = self.allocate(size + member * len(slots))
        parent = self.types[base]
        info = self.objects.type_info(parent)
        assert info is not None
        assert info.basicsize is not None
        has_inline = base == "object" and not slots
        flags = (
            READY
            | HAVE_GC
            | HEAPTYPE
            | sum(bit for kind, bit in SUBCLASS_BITS.items() if info.is_subclass(kind))
        )
        flags |= (MANAGED_DICT if not slots else 0) | (INLINE_VALUES if has_inline else 0)
        self.header(address, self.types["type"])
        for number, slot in enumerate(slots):
            place = address + size + number * member
            self.set(
                "PyMemberDef",
                place,
                name=self.cstring(slot),
                type=16,
                offset=info.basicsize + 8 * number,
            )
        self.types[name] = address
        self.set("PyVarObject", address, ob_size=len(slots))
        self.set(
            "PyTypeObject",
            address,
            tp_name=self.cstring(name),
            tp_basicsize=info.basicsize + 8 * len(slots),
            tp_itemsize=info.itemsize or 0,
            tp_flags=flags,
            tp_base=parent,
            tp_repr=0x40_8000 if own_repr else (info.repr_function or 0),
            tp_dictoffset=-1 if not slots else 0,
            tp_dict=self.put({"__module__": module}),
        )
        keys = (
            self._keys(6, 6, 2, 30 - len(names), [self.words(self.put(key), 0) for key in names])
            if has_inline
            else 0
        )
        self.set(
            "PyHeapTypeObject",
            address,
            ht_qualname=self.put(name),
            ht_name=self.put(name),
            ht_cached_keys=keys,
        )
        return address

    # Objects

    def header(self, address: int, type_address: int, **values: int) -> int:
        """A header as a new object has it; ``values`` change fields."""
        found = {
            "ob_tid": TID,
            "ob_ref_local": 1,
            "ob_ref_shared": 0,
            "ob_type": type_address,
            **values,
        }
        self.set("PyObject", address, **found)
        return address

    def immortal(self, address: int, type_address: int) -> int:
        return self.header(address, type_address, ob_tid=0, ob_ref_local=IMMORTAL_LOCAL)

    def object(self, type_name: str, size: int | None = None, **header: int) -> int:
        """An object with a header and nothing else."""
        if size is None:
            size = self.layout.size(BUILTINS[type_name][0]) if type_name in BUILTINS else 64
        return self.header(self.allocate(size), self.types[type_name], **header)

    def slotted(self, type_name: str, struct_name: str = "", /, **fields: int) -> int:
        """An object of a C struct with these fields."""
        name = struct_name or BUILTINS[type_name][0]
        address = self.object(type_name, self.layout.size(name))
        self.set(name, address, **fields)
        return address

    def union(self, *members: int, **fields: int) -> int:
        """``int | str``, as this version has it."""
        args = self.tuple(members)
        if self.layout.has("unionobject", "hashable_args"):
            fields.setdefault("hashable_args", self.put(frozenset()))
        return self.slotted("types.UnionType", **{"args": args, **fields})

    def instance(self, class_name: str, *values: int, valid: int = 1, dict_address: int = 0) -> int:
        """An instance with inline values (0 for what is not set)."""
        basicsize = self.layout.size("PyObject")
        address = self.object(class_name, basicsize + 8 * 32 + 64)
        self.inline(address + basicsize, values, valid=valid, embedded=1)
        self.memory.write_word(address - 8, dict_address)
        return address

    def inline(
        self, address: int, values: Sequence[int], valid: int, embedded: int, capacity: int = 30
    ) -> int:
        """A ``PyDictValues``."""
        order = [i for i, value in enumerate(values) if value]
        self.set(
            "PyDictValues",
            address,
            capacity=capacity,
            size=len(order),
            embedded=embedded,
            valid=valid,
        )
        first = address + self.layout.offset("PyDictValues", "values")
        self.memory.write(first, self.words(*values, *[0] * (capacity - len(values))))
        self.memory.write(first + 8 * capacity, bytes(order))
        return address

    def put(self, value: Any) -> int:
        """The object for a plain Python value."""
        if value is None:
            return self.none
        if value is Ellipsis:
            return self.ellipsis
        return int(getattr(self, "_" + type(value).__name__)(value))

    def _bool(self, value: bool) -> int:
        return self._int(int(value), "bool")

    def _int(self, value: int, type_name: str = "int") -> int:
        digits = []
        rest = abs(value)
        while rest:
            digits.append(rest & (1 << 30) - 1)
            rest >>= 30
        address = self.object(type_name, 40 + 4 * max(len(digits), 1))
        self.set(
            "PyLongObject",
            address,
            lv_tag=len(digits) << 3 | (1 if not value else 2 if value < 0 else 0),
        )
        self.memory.write(
            address + self.layout.offset("PyLongObject", "ob_digit"),
            struct.pack(f"<{len(digits)}I", *digits),
        )
        return address

    def _float(self, value: float) -> int:
        address = self.object("float")
        self.memory.write(
            address + self.layout.offset("PyFloatObject", "ob_fval"), struct.pack("<d", value)
        )
        return address

    def _complex(self, value: complex) -> int:
        address = self.object("complex")
        self.memory.write(
            address + self.layout.offset("PyComplexObject", "cval"),
            struct.pack("<dd", value.real, value.imag),
        )
        return address

    def _str(self, text: str, type_name: str = "str", compact: bool = True) -> int:
        largest = max(map(ord, text), default=0)
        kind = 1 if largest < 256 else 2 if largest < 65536 else 4
        code = {1: "B", 2: "H", 4: "I"}[kind]
        data = struct.pack(f"<{len(text) + 1}{code}", *map(ord, text), 0)
        is_ascii = largest < 128
        head = (
            self.layout.size("PyASCIIObject" if is_ascii else "PyCompactUnicodeObject")
            if compact
            else self.layout.size("PyUnicodeObject")
        )
        address = self.object(type_name, head + (len(data) if compact else 0))
        place = address + head
        if not compact:
            place = self.allocate(len(data))
            self.set("PyUnicodeObject", address, data=place)
        self.memory.write(place, data)
        state = {"state__kind": kind, "state__compact": int(compact), "state__ascii": int(is_ascii)}
        self.set("PyASCIIObject", address, length=len(text), **state)
        return address

    def _bytes(self, value: bytes) -> int:
        at_data = self.layout.offset("PyBytesObject", "ob_sval")
        address = self.object("bytes", at_data + len(value) + 1)
        self.set("PyBytesObject", address, ob_size=len(value))
        self.memory.write(address + at_data, value + b"\0")
        return address

    def _bytearray(self, value: bytearray) -> int:
        buffer = self.allocate(len(value) + 1)
        self.memory.write(buffer, bytes(value) + b"\0")
        return self.slotted(
            "bytearray",
            ob_size=len(value),
            ob_alloc=len(value) + 1,
            ob_bytes=buffer,
            ob_start=buffer,
        )

    def _list(self, items: list[Any]) -> int:
        return self.list([self.put(item) for item in items])

    def list(self, items: Sequence[int], spare: int = 1) -> int:
        """A list of pointers with ``spare`` unused slots."""
        capacity = len(items) + spare
        block = self.allocate(8 + 8 * capacity)
        self.memory.write(block, self.words(capacity, *items, *[0] * spare))
        return self.slotted("list", ob_size=len(items), ob_item=block + 8, allocated=capacity)

    def _tuple(self, items: tuple[Any, ...]) -> int:
        return self.tuple([self.put(item) for item in items])

    def tuple(self, items: Sequence[int], type_name: str = "tuple") -> int:
        """A tuple of pointers."""
        first = self.layout.offset("PyTupleObject", "ob_item")
        address = self.object(type_name, first + 8 * len(items))
        self.set("PyTupleObject", address, ob_size=len(items))
        if items:
            self.memory.write(address + first, self.words(*items))
        return address

    def _dict(self, items: dict[Any, Any]) -> int:
        pairs = [(self.put(key), self.put(value)) for key, value in items.items()]
        return self.dict(pairs, general=not all(type(key) is str for key in items))

    def dict(
        self,
        pairs: Sequence[Sequence[int]],
        general: bool = False,
        type_name: str = "dict",
        holes: int = 0,
    ) -> int:
        """A dict of pointers, with ``holes`` deleted entries before each."""
        keys = self.empty_keys
        if pairs:
            entries = []
            for key, value in pairs:
                entries += [self.words(*[0] * (3 if general else 2))] * holes
                entries.append(self.words(*([77] if general else []), key, value))
            log2_size = max(3, (len(entries) * 3 // 2 + 1).bit_length())
            width = next(power for power, bits in enumerate((8, 16, 32, 64)) if log2_size < bits)
            keys = self._keys(
                log2_size,
                log2_size + width,
                0 if general else 1,
                (2 << log2_size) // 3 - len(entries),
                entries,
            )
        return self.slotted(
            type_name,
            "PyDictObject" if type_name == "dict" else "",
            ma_used=len(pairs),
            ma_keys=keys,
        )

    def _keys(
        self, log2_size: int, log2_bytes: int, kind: int, usable: int, entries: Sequence[bytes]
    ) -> int:
        head = self.layout.offset("PyDictKeysObject", "dk_indices")
        address = self.allocate(head + (1 << log2_bytes) + sum(map(len, entries)) + 64)
        self.set(
            "PyDictKeysObject",
            address,
            dk_refcnt=1,
            dk_log2_size=log2_size,
            dk_log2_index_bytes=log2_bytes,
            dk_kind=kind,
            dk_usable=usable,
            dk_nentries=len(entries),
        )
        self.memory.write(address + head + (1 << log2_bytes), b"".join(entries))
        return address

    def _set(self, items: Collection[Any], type_name: str = "set") -> int:
        return self.set_of([self.put(item) for item in items], type_name)

    def _frozenset(self, items: frozenset[Any]) -> int:
        return self.set_of([self.put(item) for item in items], "frozenset")

    def set_of(self, items: Sequence[int], type_name: str = "set", deleted: int = 0) -> int:
        """A set of pointers; ``deleted`` entries precede them."""
        address = self.object(type_name)
        mask = 7
        while mask <= len(items) + deleted:
            mask = mask * 2 + 1
        entries = [self.words(self.none, (1 << 64) - 1)] * deleted + [
            self.words(item, 5) for item in items
        ]
        table = (
            address + self.layout.offset("PySetObject", "smalltable")
            if mask == 7
            else self.allocate(16 * (mask + 1))
        )
        self.set("PySetObject", address, fill=len(entries), used=len(items), mask=mask, table=table)
        self.memory.write(table, b"".join(entries))
        return address

    def deferred(self, address: int) -> None:
        """Deferred reference counting, as 3.14 and later mark it."""
        self.set("PyObject", address, ob_gc_bits=65, ob_ref_shared=DEFERRED << 2)


__all__ = ["BUILTINS", "HEAP", "SIZE", "TID", "VERSIONS", "World"]
