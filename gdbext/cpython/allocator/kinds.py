"""What a type asks of the memory of its instances: which heap, how many bytes; and whether it is
the type one expects.

From CPython's Include/internal/pycore_object_alloc.h (``_PyObject_GetAllocationHeap``).
"""

from __future__ import annotations

from gdbext.cpython.allocator.pages import GC, GC_PRE, OBJECT
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import HAVE_GC, TypeInfo
from gdbext.cpython.traits.types import canonical, same_struct

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


def is_kind_of(objects: Objects, info: TypeInfo, expected: str) -> bool:
    """Whether a type is the one of that ``tp_name``, derives from it, or shares its struct."""
    wanted = canonical(expected) or expected
    names = {canonical(base.name) or base.name for base in objects.bases(info)}
    return wanted == ANY or any(same_struct(wanted, name) for name in names)
