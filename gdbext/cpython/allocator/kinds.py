"""What a type asks of the memory of its instances: which heap, how many bytes; and whether it is
the type one expects.

From CPython's Include/internal/pycore_object_alloc.h (``_PyObject_GetAllocationHeap``).
"""

from __future__ import annotations

from gdbext.cpython.allocator.pages import GC, GC_PRE, OBJECT
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import HAVE_GC, TypeInfo
from gdbext.cpython.traits.types import canonical, traits_of

ANY = "object"


def tag_of(info: TypeInfo) -> int:
    """The heap that instances of a type come from (a page's tag)."""
    if info.presize:
        return GC_PRE
    return GC if info.has(HAVE_GC) else OBJECT


def least_size(layout: Layout, info: TypeInfo) -> int:
    """How many bytes an instance has at least.

    That is ``tp_basicsize``, but for strings: compact ones leave the end of the struct out
    (Objects/unicodeobject.c).
    """
    if info.is_subclass("str") and not info.is_heap_type:
        return layout.size("PyASCIIObject")
    return info.basicsize or 0


def kinds_of(objects: Objects, info: TypeInfo) -> frozenset[str]:
    """Names of a type and its bases, and of those that share a struct with one of them."""
    names = {canonical(base.name) or base.name for base in objects.bases(info)}
    return frozenset(names.union(*(traits_of(name).shares_struct_with for name in names)))


def is_kind_of(objects: Objects, info: TypeInfo, expected: str) -> bool:
    """Whether a type is the one of that ``tp_name``, derives from it, or shares its struct."""
    wanted = canonical(expected) or expected
    return wanted == ANY or wanted in kinds_of(objects, info)
