"""Type objects as objects (CPython's Objects/typeobject.c)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Decoded, Reference, Type, Violation
from gdbext.cpython.objects.family import Family, PointerField, optional, required
from gdbext.cpython.objects.reader import Damaged
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter

HEAP_TYPE = Family(
    "type",
    "PyHeapTypeObject",
    optional("str", "ht_name", "ht_qualname") + optional(None, "ht_slots", "ht_module"),
)


class TypeFamily(Family):
    """``type`` and its subclasses; heap types have more slots behind ``PyTypeObject``
    (``PyHeapTypeObject``).

    ``tp_subclasses`` and ``tp_weaklist`` are left out: static built-in types keep an index in the
    first.
    """

    names = ("type",)
    struct = "PyTypeObject"
    shows_overridden = False
    slots = (
        *optional("type", "tp_base"),
        *required("tuple", "tp_bases", "tp_mro"),
        *optional("dict", "tp_dict"),
        PointerField("tp_cache"),
    )

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        described = core.type_info(address)
        if described is None:
            raise Damaged(address, Claim("not-a-type"))
        module, qualname = core.names(described)
        return Type(address, info, described, module, qualname)

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        described = core.type_info(address)
        is_heap_type = described is not None and described.is_heap_type
        for reference in super().references(core, address):
            # A static built-in type has no tp_dict of its own and keeps numbers where others have
            # objects.
            if is_heap_type or core.is_object(reference.target):
                yield reference
        if is_heap_type:
            yield from HEAP_TYPE.references(core, address)

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        reasons = core.why_not_type(address)
        for reason in reasons:
            yield Violation.of(None, reason, address)
        if not reasons:
            yield from super().violations(core, address)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        described = write.core.type_info(address)
        if described is None:
            raise Damaged(address, Claim("not-a-type"))
        yield f"<class '{write.core.type_name(described)}'>"
