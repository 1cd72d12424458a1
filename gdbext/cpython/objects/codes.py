"""Code objects and generators (CPython's Include/cpython/code.h, Objects/codeobject.c,
Objects/genobject.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Code, Decoded
from gdbext.cpython.objects.family import Family, PointerField, required
from gdbext.cpython.objects.reader import signed
from gdbext.cpython.objects.types import TypeInfo

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


class CodeFamily(Family):
    """Code objects (Objects/codeobject.c)."""

    names = ("code",)
    struct = "PyCodeObject"
    slots = (
        *required("tuple", "co_consts", "co_names", "co_localsplusnames"),
        *required("bytes", "co_exceptiontable", "co_localspluskinds", "co_linetable"),
        *required("str", "co_filename", "co_name", "co_qualname"),
    )

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        slots = self.slot_values(core, address)
        line = signed(core.field(self.struct, address, "co_firstlineno"), 32)
        name, qualname, filename = (
            core.text(slots[slot]) for slot in ("co_name", "co_qualname", "co_filename")
        )
        return Code(address, info, name, qualname, filename, line, slots)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        name, filename, line = write.core.fields(
            self.struct, address, "co_name", "co_filename", "co_firstlineno"
        )
        text = write.core.text
        yield f"<code object {text(name) or '?'} at {address:#x}, "
        yield f'file "{text(filename) or "?"}", line {signed(line, 32)}>'


class GeneratorFamily(Family):
    """Generators, coroutines and asynchronous generators, without their frames.

    ``gi_origin_or_finalizer`` is left out: nobody sets it in a plain generator.
    """

    names = ("generator", "coroutine", "async_generator")
    struct = "PyGenObject"
    slots = (*required("str", "gi_name", "gi_qualname"), PointerField("gi_exc_state.exc_value"))

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        qualname = write.core.text(write.core.field(self.struct, address, "gi_qualname"))
        yield f"<{info.name} object {qualname or '?'} at {address:#x}>"


FAMILIES = (
    CodeFamily(),
    GeneratorFamily(),
    Family("frame", "PyFrameObject", (PointerField("f_back"), PointerField("f_trace"))),
)
