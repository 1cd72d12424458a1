"""What a type asks of the memory of its instances: which heap, how many bytes; and whether it is the type one expects.

From CPython's Include/internal/pycore_object_alloc.h (``_PyObject_GetAllocationHeap``).
"""

from __future__ import annotations

from gdbext.cpython.allocator.pages import GC, GC_PRE, OBJECT
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import HAVE_GC, TypeInfo

SYNONYMS = {"typing.Union": "types.UnionType"}
"""One type under two names: 3.14 renamed the union's type."""
SAME_STRUCT = (
    frozenset({"set", "frozenset"}),
    frozenset({"dict", "frozendict"}),
    frozenset({"generator", "coroutine", "async_generator"}),
    frozenset({"weakref.ReferenceType", "weakref.ProxyType", "weakref.CallableProxyType"}),
)
"""C code that works on the one works on the others too, and may stand in the table of any of them: they share its struct."""
ANY = "object"


def tag_of(info: TypeInfo) -> int:
    """The heap that instances of a type come from (a page's tag)."""
    if info.presize:
        return GC_PRE
    return GC if info.has(HAVE_GC) else OBJECT


def least_size(layout: Layout, info: TypeInfo) -> int:
    """How many bytes an instance has at least.

    That is ``tp_basicsize``, but for strings: compact ones leave the end of the struct out (Objects/unicodeobject.c).
    """
    if info.is_subclass("str") and not info.is_heap_type:
        return layout.size("PyASCIIObject")
    return info.basicsize or 0


def is_kind_of(objects: Objects, info: TypeInfo, expected: str) -> bool:
    """Whether a type is the one of that name (``tp_name``), derives from it, or shares its struct."""
    wanted = SYNONYMS.get(expected, expected)
    names = {SYNONYMS.get(base.name, base.name) for base in objects.bases(info)}
    return (
        wanted == ANY
        or wanted in names
        or any(wanted in kin and not names.isdisjoint(kin) for kin in SAME_STRUCT)
    )
