"""Python functions, class and static methods, cells (CPython's Objects/funcobject.c,
Objects/cellobject.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import TRANSIENT, Violation
from gdbext.cpython.objects.family import Family, PointerField, optional, required
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


class FunctionFamily(Family):
    """The collector clears a garbage function's dicts and tuples; code and names stay."""

    names = ("function",)
    struct = "PyFunctionObject"
    slots = (
        *required("dict", "func_globals", null=TRANSIENT),
        *required(None, "func_builtins", null=TRANSIENT),
        *required("str", "func_name", "func_qualname"),
        *required("code", "func_code", exact=True),
        *optional("tuple", "func_defaults"),
        *optional("dict", "func_kwdefaults"),
        *optional("tuple", "func_closure"),
        *optional(None, "func_doc"),
        *optional("dict", "func_dict"),
        *optional(None, "func_module", "func_annotations", "func_annotate", "func_typeparams"),
    )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        qualname = write.core.text(write.core.field(self.struct, address, "func_qualname"))
        yield f"<function {qualname or '?'} at {address:#x}>"


class WrapperFamily(Family):
    """``classmethod`` and ``staticmethod``: the callable is NULL until ``__init__`` ran (3.13,
    3.14), and may be set again.
    """

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        for found in super().violations(core, address):
            if found.severity == TRANSIENT and found.value == 0:
                yield replace(found, claim=Claim("callable-null", slot=found.slot))
            else:
                yield found

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield f"<{self.name}("
        yield from write.inner(write.core.field(self.struct, address, self.slots[0].name))
        yield ")>"


class CellFamily(Family):
    """Cells of closures (Objects/cellobject.c)."""

    names = ("cell",)
    struct = "PyCellObject"
    slots = (PointerField("ob_ref"),)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        value = write.core.field(self.struct, address, "ob_ref")
        yield f"<cell at {address:#x}: "
        held = write.core.type_of(value) if value else None
        if value and held is None:
            yield from write.inner(value)
        else:
            yield f"{held.name} object at {value:#x}" if held else "empty"
        yield ">"


FAMILIES = (
    FunctionFamily(),
    WrapperFamily(
        "classmethod",
        "classmethod",
        (*required(None, "cm_callable", null=TRANSIENT), *optional("dict", "cm_dict")),
    ),
    WrapperFamily(
        "staticmethod",
        "staticmethod",
        (*required(None, "sm_callable", null=TRANSIENT), *optional("dict", "sm_dict")),
    ),
    CellFamily(),
)
