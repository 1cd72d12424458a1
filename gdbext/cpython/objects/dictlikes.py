"""What is made of dicts: namespaces, proxies, views, ``OrderedDict``, ``defaultdict``.

From CPython's Objects/namespaceobject.c, Objects/descrobject.c, Objects/odictobject.c,
Modules/_collectionsmodule.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Reference
from gdbext.cpython.objects.dictkeys import DictEntry, dict_entries
from gdbext.cpython.objects.dicts import DictFamily
from gdbext.cpython.objects.family import Family, PointerField, optional, required
from gdbext.cpython.objects.reader import Damaged
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim, EntrySlot

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter

MAX_NODES = 1 << 22


class NamespaceFamily(Family):
    """``types.SimpleNamespace`` (Objects/namespaceobject.c)."""

    names = ("types.SimpleNamespace",)
    struct = "_PyNamespaceObject"
    slots = required("dict", "ns_dict", exact=True)
    cycle = "namespace(...)"

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield "namespace(" if info.name in self.names else f"{info.short_name}("
        for number, (name, value) in enumerate(
            write.keywords(write.core.field(self.struct, address, "ns_dict"))
        ):
            yield f", {name}=" if number else f"{name}="
            yield from write.inner(value)
        yield ")"


class ProxyFamily(Family):
    """``types.MappingProxyType`` (Objects/descrobject.c)."""

    names = ("mappingproxy",)
    struct = "mappingproxyobject"
    slots = required(None, "mapping")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield "mappingproxy("
        yield from write.inner(write.core.field(self.struct, address, "mapping"))
        yield ")"


class ViewFamily(Family):
    """``dict.keys()``, ``values()`` and ``items()``."""

    names = ("dict_keys", "dict_values", "dict_items", "odict_keys", "odict_values", "odict_items")
    struct = "_PyDictViewObject"
    slots = optional("dict", "dv_dict")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        entries = dict_entries(write.core, write.core.field(self.struct, address, "dv_dict"))
        yield f"{info.name}(["
        if info.name.endswith("items"):
            yield from self._items(write, entries)
        elif info.name.endswith("keys"):
            yield from write.items(entry.key for entry in entries)
        else:
            yield from write.items(entry.value for entry in entries)
        yield "])"

    def _items(self, write: ReprWriter, entries: Iterator[DictEntry]) -> Iterator[str]:
        for number, entry in enumerate(entries):
            yield ", (" if number else "("
            yield from write.items((entry.key, entry.value))
            yield ")"


class DefaultDictFamily(DictFamily):
    """``collections.defaultdict`` (Modules/_collectionsmodule.c)."""

    names = ("collections.defaultdict",)
    struct = "defdictobject"
    slots = (PointerField("default_factory"),)
    cycle = "defaultdict(...)"

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        yield from super().references(core, address)
        yield from Family.references(self, core, address)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        factory = write.core.field(self.struct, address, "default_factory")
        yield f"{info.short_name}("
        if factory:
            yield from write.inner(factory)
        else:
            yield "None"
        yield ", "
        yield from super().text(write, address, info)
        yield ")"


class OrderedDictFamily(DictFamily):
    """An ``OrderedDict`` keeps its order in a list of nodes beside the dict."""

    names = ("collections.OrderedDict",)
    struct = "PyODictObject"
    slots = optional("dict", "od_inst_dict")
    cycle = "..."

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        yield from super().references(core, address)
        yield from Family.references(self, core, address)
        at_key = core.layout.offset("_odictnode", "key")
        for number, node in enumerate(self._nodes(core, address)):
            yield Reference(core.word(node + at_key), EntrySlot("node", number), node + at_key)

    def _nodes(self, core: Core, address: int) -> Iterator[int]:
        node = core.field(self.struct, address, "od_first")
        seen: set[int] = set()
        while node:
            if node in seen or len(seen) > MAX_NODES:
                raise Damaged(address, Claim("nodes-endless"))
            seen.add(node)
            yield node
            node = core.field("_odictnode", node, "next")

    def _in_order(self, core: Core, address: int) -> Iterator[DictEntry]:
        entries = {entry.key: entry for entry in dict_entries(core, address)}
        for node in self._nodes(core, address):
            key = core.field("_odictnode", node, "key")
            if key in entries:
                yield entries[key]

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        entries = list(self._in_order(write.core, address))
        yield f"{info.short_name}("
        if entries:
            yield "{"
            yield from write.pairs(entries, ": ")
            yield "}"
        yield ")"


FAMILIES = (
    DictFamily(),
    NamespaceFamily(),
    ProxyFamily(),
    ViewFamily(),
    DefaultDictFamily(),
    OrderedDictFamily(),
)
