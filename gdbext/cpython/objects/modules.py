"""Modules and weak references (CPython's Objects/moduleobject.c, Objects/weakrefobject.c,
Lib/importlib/_bootstrap.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import TRANSIENT
from gdbext.cpython.objects.dictkeys import dict_entries, find_key
from gdbext.cpython.objects.family import Family, PointerField, optional, required
from gdbext.cpython.objects.instances import attribute_of
from gdbext.cpython.objects.types import TypeInfo

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


class ModuleFamily(Family):
    """The repr is made of the module's ``__spec__``, an instance of ``ModuleSpec``, as importlib
    does.
    """

    names = ("module",)
    struct = "PyModuleObject"
    slots = (*required("dict", "md_dict", null=TRANSIENT), *optional("str", "md_name"))

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        core = write.core
        spec = module_value(core, address, "__spec__")
        if spec and not _is_none(core, spec):
            yield from self._from_spec(write, spec)
            return
        name, file, loader = (
            module_value(core, address, key) for key in ("__name__", "__file__", "__loader__")
        )
        yield "<module "
        if name:
            yield from write.inner(name)
        else:
            yield "'?'"
        if file:
            yield " from "
            yield from write.inner(file)
        elif loader and not _is_none(core, loader):
            yield " ("
            yield from write.inner(loader)
            yield ")"
        yield ">"

    def _from_spec(self, write: ReprWriter, spec: int) -> Iterator[str]:
        core = write.core
        name, origin, located = (
            attribute_of(core, spec, key) for key in ("name", "origin", "_set_fileattr")
        )
        yield "<module "
        yield from write.inner(name or 0)
        if origin and not _is_none(core, origin):
            is_located = located is not None and "".join(write.inner(located)) == "True"
            yield " from " if is_located else " ("
            if is_located:
                yield from write.inner(origin)
            else:
                yield f"{core.text(origin)})"
        yield ">"


class WeakrefFamily(Family):
    """Weak references and proxies; the target is borrowed, and ``None`` once it is gone."""

    names = ("weakref.ReferenceType", "weakref.ProxyType", "weakref.CallableProxyType")
    struct = "PyWeakReference"
    slots = (PointerField("wr_object", null=TRANSIENT, counted=False), PointerField("wr_callback"))

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        target = write.core.field(self.struct, address, "wr_object")
        held = write.core.type_of(target) if write.is_usable(target) else None
        yield f"<{'weakref' if info.name == self.name else 'weakproxy'} at {address:#x}; "
        if held is None:
            yield from write.inner(target)
        elif _is_none(write.core, target):
            yield "dead"
        else:
            name = simple_name(write.core, target, held)
            yield f"to '{held.name}' at {target:#x}" + (f" ({name})" if name else "")
        yield ">"


def module_value(core: Core, address: int, name: str) -> int | None:
    """A global of a module."""
    found = find_key(
        core, dict_entries(core, core.field("PyModuleObject", address, "md_dict")), name
    )
    return found.value if found else None


def simple_name(core: Core, address: int, info: TypeInfo) -> str | None:
    """``__name__`` of an object."""
    if info.is_subclass("type"):
        described = core.type_info(address)
        return core.names(described)[1].rpartition(".")[2] if described else None
    if core.is_a(info, "function"):
        return core.text(core.field("PyFunctionObject", address, "func_name"))
    found = (
        module_value(core, address, "__name__")
        if core.is_a(info, "module")
        else attribute_of(core, address, "__name__")
    )
    return core.text(found) if found else None


def _is_none(core: Core, address: int) -> bool:
    info = core.type_of(address)
    return info is not None and info.name == "NoneType" and not info.is_heap_type


FAMILIES = (ModuleFamily(), WeakrefFamily())
