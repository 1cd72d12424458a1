"""What every family of objects needs to know of an address: header, type, text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, cast

from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.dictkeys import dict_entries, find_key
from gdbext.cpython.objects.header import Header, HeaderFormat
from gdbext.cpython.objects.reader import FAULTS, Reader
from gdbext.cpython.objects.strings import read_cstring, read_str
from gdbext.cpython.objects.types import SUBCLASS_BITS, TypeInfo, Types
from gdbext.model import Claim, Evidence
from gdbext.target.protocol import Memory, MemoryFault

MAX_BASES = 100
MOST_KEPT = 1 << 14
"""Objects whose types are remembered, and names of attributes that are."""
T = TypeVar("T")


class Core(Reader):
    """Headers, types and text of a target; :class:`gdbext.cpython.objects.objects.Objects` adds the
    families.

    ``is_collecting`` says that a garbage collection is running, which uses headers in its own way.

    Raises:
        UnknownLayout: when this Python's objects do not have a free-threaded build's header.
    """

    def __init__(
        self,
        memory: Memory,
        layout: Layout,
        is_collecting: bool = False,
    ) -> None:
        super().__init__(memory, layout)
        self.is_collecting = is_collecting
        self._headers = HeaderFormat(layout)
        self._types = Types(self, self._headers, is_collecting)
        self._memo: dict[tuple[str, int], object] = {}
        self._types_of: dict[int, TypeInfo | None] = {}
        self._names: dict[int, str | None] = {}

    def header(self, address: int) -> Header:
        """The object header at ``address``, whatever stands there.

        Raises:
            MemoryFault: when it cannot be read.
        """
        return self._headers.read(self.memory, address, self.is_collecting)

    def type_info(self, type_address: int) -> TypeInfo | None:
        """The type object at that address; None if there is no credible one."""
        return self._types.info(type_address)

    def type_name_left(self, type_address: int) -> str | None:
        """What the type object at that address is called, or was, where its reference count alone
        is wrong.
        """
        return self._types.name_left(type_address)

    def type_of(self, address: int) -> TypeInfo | None:
        """The type of the object at ``address``; None if its header or its type makes no sense.

        A dead object (reference count 0) still has a type: see :meth:`is_object`.
        """
        if address not in self._types_of:
            if len(self._types_of) == MOST_KEPT:
                self._types_of.clear()
            self._types_of[address] = self._type_of(address)
        return self._types_of[address]

    def _type_of(self, address: int) -> TypeInfo | None:
        try:
            header = self.header(address)
        except MemoryFault:
            return None
        info = self._types.info(header.ob_type)
        return None if info is None or header.problems else info

    def is_object(self, address: int) -> bool:
        """Whether there is an object that somebody may hold a reference to: all that memory alone
        can say.

        Whether it is still the object that the holder means is the heap's to say.
        """
        return not self.why_not_object(address)

    def why_not_object(self, address: int) -> list[Evidence]:
        """Every reason why there is no object at ``address``; empty if there is one."""
        try:
            header = self.header(address)
        except MemoryFault:
            return [Evidence(Claim("memory-unreadable"), address, None, address, broken=True)]
        found = list(header.problems)
        if header.is_dead_shape:
            found.append(
                Evidence(
                    Claim(
                        "refcount-zero",
                        local=header.ref_local,
                        shared=header.shared_count,
                        state=header.shared_state,
                    ),
                    header.place("ob_ref_shared"),
                    header.ref_shared,
                    address,
                    broken=True,
                )
            )
        reasons = self._types.why_not(header.ob_type)
        if reasons:
            found.append(
                Evidence(
                    Claim("type-not-a-type"),
                    header.place("ob_type"),
                    header.ob_type,
                    address,
                    broken=True,
                )
            )
            found.extend(reasons)
        return found

    def bases(self, info: TypeInfo) -> Iterator[TypeInfo]:
        """The type itself, then its ``tp_base``, and so on to ``object`` (or to the first that is
        no credible type).
        """
        found: TypeInfo | None = info
        for _ in range(MAX_BASES):
            if found is None:
                return
            yield found
            if not found.base:
                return
            found = self.type_info(found.base)

    def is_a(self, info: TypeInfo, name: str, exact: bool = False) -> bool:
        """Whether it is C's type of that ``tp_name``, or, unless ``exact``, a subclass of it."""
        if name in SUBCLASS_BITS and not exact:
            return info.is_subclass(name)
        candidates = [info] if exact else self.bases(info)
        return any(base.name == name and not base.is_python_class for base in candidates)

    def names(self, info: TypeInfo) -> tuple[str | None, str]:
        """``__module__`` and ``__qualname__`` of a class, as ``type_module`` and ``type_qualname``
        find them.

        The module is None when it is not to be found: deleted, or not a string.
        """
        return self.memo(("names", info.address), lambda: self._find_names(info))

    def _find_names(self, info: TypeInfo) -> tuple[str | None, str]:
        module, _, short = info.name.rpartition(".")
        if not info.is_heap_type:
            return module or "builtins", short
        try:
            qualname = self.text(self.field("PyHeapTypeObject", info.address, "ht_qualname"))
            entry = (
                find_key(self, dict_entries(self, info.dict), "__module__") if info.dict else None
            )
        except FAULTS:
            return module or None, short
        return self.text(entry.value) if entry else None, qualname or short

    def type_name(self, info: TypeInfo) -> str:
        """A class as the default repr of its instances names it: with the module, but for built-in
        ones.
        """
        module, qualname = self.names(info)
        return info.name if module in (None, "builtins") else f"{module}.{qualname}"

    def why_not_type(self, address: int) -> tuple[Evidence, ...]:
        """Why there is no credible type object at ``address``; empty if there is one."""
        return self._types.why_not(address)

    def pointer(self, struct: str, address: int, name: str) -> int | None:
        """One field of a struct; None if it cannot be read, or this version has none or it is not
        known where.
        """
        try:
            return self.field(struct, address, name)
        except FAULTS:
            return None

    def cstring(self, address: int, limit: int = 200) -> str | None:
        """The C string there; None if there is none."""
        return read_cstring(self.memory, address, limit)

    def memo(self, key: tuple[str, int], make: Callable[[], T]) -> T:
        """What ``make`` gave for that key the first time: what does not change while the target
        stands still, of types, and of the few objects whose attributes are asked for by name.
        """
        if key not in self._memo:
            self._memo[key] = make()
        return cast(T, self._memo[key])

    def name(self, address: int) -> str | None:
        """The text of a ``str`` that names an attribute: the objects of a class share them."""
        if address not in self._names:
            if len(self._names) == MOST_KEPT:
                self._names.clear()
            self._names[address] = self.text(address)
        return self._names[address]

    def text(self, address: int, limit: int = 1000) -> str | None:
        """The text of the ``str`` object at ``address``; None if there is no ``str`` object."""
        info = self.type_of(address)
        if info is None or not info.is_subclass("str"):
            return None
        return read_str(self.memory, self.layout, address, limit)
