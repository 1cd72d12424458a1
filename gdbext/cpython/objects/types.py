"""Type objects (CPython's Include/cpython/object.h), and whether an address is that of one.

Every object names its type, so a wild pointer gives itself away when its ``ob_type`` leads to no
credible type: one with a legal header, the READY flag, a readable name, sane sizes, and metatypes
that end in ``type``, whose type is itself.
"""

from __future__ import annotations

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.header import USER_END, Header, HeaderFormat
from gdbext.cpython.objects.reader import Reader
from gdbext.cpython.objects.strings import read_cstring
from gdbext.frozen import dataclass
from gdbext.model import Claim, Evidence
from gdbext.target.protocol import MemoryFault

# Include/object.h
INLINE_VALUES = 1 << 2
MANAGED_WEAKREF = 1 << 3
MANAGED_DICT = 1 << 4
IMMUTABLETYPE = 1 << 8
HEAPTYPE = 1 << 9
READY = 1 << 12
HAVE_GC = 1 << 14
ITEMS_AT_END = 1 << 23
SUBCLASS_BITS = {
    "int": 1 << 24,
    "list": 1 << 25,
    "tuple": 1 << 26,
    "bytes": 1 << 27,
    "str": 1 << 28,
    "dict": 1 << 29,
    "BaseException": 1 << 30,
    "type": 1 << 31,
}

MAX_BASICSIZE = 1 << 24
MAX_ITEMSIZE = 1 << 16
MAX_METATYPES = 8
PRE_HEADER = 16
"""Bytes before an object with a managed dict or weak references (Include/internal/pycore_object.h).
"""


@dataclass(frozen=True)
class TypeInfo:
    """A credible type object.

    ``name`` is ``tp_name``: with its module for types made in C, without for Python's classes.
    Sizes in bytes; what the layout does not know (an interpreter without DWARF and without a
    shipped table) is None.
    """

    address: int
    name: str
    flags: int
    metatype: int
    basicsize: int | None = None
    itemsize: int | None = None
    base: int | None = None
    dictoffset: int | None = None
    repr_function: int | None = None
    dict: int | None = None
    """``tp_dict``; 0 for static built-in types, whose dict the interpreter keeps."""

    def has(self, flag: int) -> bool:
        """Whether the type has a flag of ``tp_flags``."""
        return bool(self.flags & flag)

    def is_subclass(self, name: str) -> bool:
        """Of one of the eight built-in types that have a flag for it (:data:`SUBCLASS_BITS`)."""
        return self.has(SUBCLASS_BITS[name])

    @property
    def is_heap_type(self) -> bool:
        """Whether the type is made at run time (``Py_TPFLAGS_HEAPTYPE``)."""
        return self.has(HEAPTYPE)

    @property
    def is_python_class(self) -> bool:
        """Made by a ``class`` statement (or ``type()``): C's own heap types are immutable, by
        custom.
        """
        return self.has(HEAPTYPE) and not self.has(IMMUTABLETYPE)

    @property
    def presize(self) -> int:
        """Bytes that instances have before their header."""
        return PRE_HEADER if self.has(MANAGED_DICT | MANAGED_WEAKREF) else 0

    @property
    def short_name(self) -> str:
        """Without the module."""
        return self.name.rpartition(".")[2]


_OPTIONAL = ("tp_basicsize", "tp_itemsize", "tp_base", "tp_dictoffset", "tp_repr", "tp_dict")


class Types:
    """All types seen so far, each judged once."""

    def __init__(self, reader: Reader, headers: HeaderFormat, is_collecting: bool = False) -> None:
        self._reader = reader
        self._headers = headers
        self._is_collecting = is_collecting
        self._known: dict[int, TypeInfo | tuple[Evidence, ...]] = {}
        known = reader.layout.struct("PyTypeObject")
        self._names = tuple(name for name in _OPTIONAL if name in known)

    def info(self, address: int) -> TypeInfo | None:
        """The type at ``address``; None if there is no credible one."""
        found = self._judged(address)
        return found if isinstance(found, TypeInfo) else None

    def why_not(self, address: int) -> tuple[Evidence, ...]:
        """Why there is no credible type; empty if there is one."""
        found = self._judged(address)
        return () if isinstance(found, TypeInfo) else found

    def name_left(self, address: int) -> str | None:
        """What the type at ``address`` is called, or was, whatever its own reference count says;
        None where nothing like a type is there.

        A deallocator that runs twice gives up its object's type twice: of that type only the count
        is wrong, until it reaches zero.
        """
        found = self._judged(address)
        if isinstance(found, TypeInfo):
            return found.name
        try:
            info = self._read(self._headers.read(self._reader.memory, address))
            is_one = not self._problem(info) and not self._metatype_problem(info)
        except (MemoryFault, UnknownLayout):
            return None
        return info.name if is_one else None

    def _judged(self, address: int) -> TypeInfo | tuple[Evidence, ...]:
        if address not in self._known:
            self._known[address] = self._judge(address)
        return self._known[address]

    def _judge(self, address: int) -> TypeInfo | tuple[Evidence, ...]:
        try:
            header = self._headers.read(self._reader.memory, address, self._is_collecting)
            if header.problems:
                return header.problems
            if header.is_dead_shape:
                return (
                    Evidence(
                        Claim("type-refcount-zero"),
                        header.place("ob_ref_local"),
                        0,
                        address,
                        broken=True,
                    ),
                )
            info = self._read(header)
            problem = self._problem(info) or self._metatype_problem(info)
        except MemoryFault as fault:
            return (
                Evidence(
                    Claim("type-unreadable", reason=fault.claim),
                    address,
                    None,
                    address,
                    broken=True,
                ),
            )
        except UnknownLayout as unknown:
            return (Evidence(unknown.claim, address, None, address),)
        return (problem,) if problem else info

    def _read(self, header: Header) -> TypeInfo:
        reader, address = self._reader, header.address
        name, flags, *rest = reader.fields(
            "PyTypeObject", address, "tp_name", "tp_flags", *self._names
        )
        more = dict(zip(self._names, rest))
        return TypeInfo(
            address,
            read_cstring(reader.memory, name) or "",
            flags,
            header.ob_type,
            more.get("tp_basicsize"),
            more.get("tp_itemsize"),
            more.get("tp_base"),
            _signed(more.get("tp_dictoffset")),
            more.get("tp_repr"),
            more.get("tp_dict"),
        )

    def _problem(self, info: TypeInfo) -> Evidence | None:
        def broken(kind: str, name: str, value: int) -> Evidence:
            place = info.address + self._reader.layout.offset("PyTypeObject", name)
            return Evidence(Claim(kind), place, value, info.address, broken=True)

        if not info.has(READY):
            return broken("type-not-ready", "tp_flags", info.flags)
        if not info.name or not info.name.isprintable():
            return broken(
                "type-without-name",
                "tp_name",
                self._reader.field("PyTypeObject", info.address, "tp_name"),
            )
        smallest = self._reader.layout.size("PyObject")
        if info.basicsize is not None and not smallest <= info.basicsize <= MAX_BASICSIZE:
            return broken("type-basicsize-implausible", "tp_basicsize", info.basicsize)
        if info.itemsize is not None and info.itemsize > MAX_ITEMSIZE:
            return broken("type-itemsize-implausible", "tp_itemsize", info.itemsize)
        if info.base is not None and (
            info.base % 8 or info.base >= USER_END or (info.base == 0 and info.name != "object")
        ):
            return broken("type-base-not-a-type", "tp_base", info.base)
        return None

    def _metatype_problem(self, info: TypeInfo) -> Evidence | None:
        """The metatypes lead to ``type``, the one type that is its own."""
        reader, address = self._reader, info.address
        for _ in range(MAX_METATYPES):
            above = reader.field("PyObject", address, "ob_type")
            if not reader.field("PyTypeObject", above, "tp_flags") & SUBCLASS_BITS["type"]:
                break
            if above == address:
                if (
                    read_cstring(reader.memory, reader.field("PyTypeObject", above, "tp_name"))
                    == "type"
                ):
                    return None
                break
            address = above
        place = info.address + reader.layout.offset("PyObject", "ob_type")
        return Evidence(
            Claim("type-metatypes-astray"),
            place,
            info.metatype,
            info.address,
            broken=True,
        )


def _signed(value: int | None) -> int | None:
    return value - (1 << 64) if value is not None and value >> 63 else value
