"""Unions and generic aliases (CPython's Objects/unionobject.c, Objects/genericaliasobject.c).

``int | str`` is a union: ``args`` is an exact tuple of two members or more, set before anybody sees
the object and never again.  3.14 added sets of the members beside it.  ``parameters`` stays NULL
until somebody asks for ``__parameters__``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Violation
from gdbext.cpython.objects.family import Family, optional, required
from gdbext.cpython.objects.methods import builtin_name
from gdbext.cpython.objects.sequences import list_items, tuple_items
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim
from gdbext.target.protocol import MemoryFault

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter

MIN_MEMBERS = 2


class UnionFamily(Family):
    """``types.UnionType``, from 3.14 on ``typing.Union`` (Objects/unionobject.c)."""

    names = ("types.UnionType", "typing.Union")
    struct = "unionobject"
    slots = (
        *required("tuple", "args", exact=True),
        *required("frozenset", "hashable_args", exact=True),
        *optional("tuple", "unhashable_args", "parameters", exact=True),
    )

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        yield from super().violations(core, address)
        args = core.field(self.struct, address, "args")
        info = core.type_of(args) if args else None
        if info is None or not core.is_a(info, "tuple", exact=True):
            return
        try:
            count = len(tuple_items(core, args))
        except MemoryFault as fault:
            yield Violation("args", Claim("args-unreadable", reason=fault.claim), args)
            return
        if count < MIN_MEMBERS:
            place = args + core.layout.offset("PyTupleObject", "ob_size")
            yield Violation("args", Claim("union-too-small", count=count), place, count)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        args = write.core.field(self.struct, address, "args")
        yield from alias_members(write, args, " | ", is_union=True)


class GenericAliasFamily(Family):
    """``types.GenericAlias`` (Objects/genericaliasobject.c)."""

    names = ("types.GenericAlias",)
    struct = "gaobject"
    symbol = "Py_GenericAliasType"
    slots = (
        *required(None, "origin"),
        *required("tuple", "args", exact=True),
        *optional("tuple", "parameters", exact=True),
    )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        origin, args, starred = write.core.fields(self.struct, address, "origin", "args", "starred")
        if starred & 1:
            yield "*"
        yield from member(write, origin)
        yield "["
        yield from alias_members(write, args, ", ")
        yield "]"


def alias_members(
    write: ReprWriter, args: int, separator: str, is_union: bool = False
) -> Iterator[str]:
    """The members, if ``args`` is a tuple; else what it is instead."""
    info = write.core.type_of(args) if args else None
    if info is None or not write.core.is_object(args) or not info.is_subclass("tuple"):
        yield from write.inner(args)
        yield " (not a tuple ✗)"
        return
    members = tuple_items(write.core, args, write.limit)
    if not members:
        yield "()"
    yield from write.items(members, separator, lambda address: member(write, address, is_union))


def member(write: ReprWriter, address: int, in_union: bool = False) -> Iterator[str]:
    """One member as aliases write it: classes and functions by their name, ``None`` for its type,
    other things by their repr.
    """
    core = write.core
    info = core.type_of(address) if write.is_usable(address) else None
    if info is None:
        yield from write.inner(address)
    elif in_union and info.is_subclass("type") and _is_none_type(core, address):
        yield "None"
    elif not in_union and info.name == "ellipsis" and not info.is_heap_type:
        yield "..."
    elif not in_union and info.is_subclass("list") and not info.is_heap_type:
        yield "["
        yield from write.items(
            list_items(core, address, write.limit), inner=lambda item: member(write, item)
        )
        yield "]"
    else:
        name = _class_like_name(core, address, info)
        if name is None:
            yield from write.inner(address)
        else:
            yield name


def _is_none_type(core: Core, address: int) -> bool:
    described = core.type_info(address)
    return described is not None and described.name == "NoneType" and not described.is_heap_type


def _class_like_name(core: Core, address: int, info: TypeInfo) -> str | None:
    """What has ``__module__`` and ``__qualname__``: a class or a function."""
    module: str | None
    if info.is_subclass("type"):
        described = core.type_info(address)
        if described is None:
            return None
        module, qualname = core.names(described)
    elif core.is_a(info, "function"):
        module_address, name_address = core.fields(
            "PyFunctionObject", address, "func_module", "func_qualname"
        )
        module, qualname = (
            core.text(module_address) if module_address else None,
            core.text(name_address) or "",
        )
    elif core.is_a(info, "builtin_function_or_method"):
        module_address = core.field("PyCFunctionObject", address, "m_module")
        module, qualname = (
            core.text(module_address) if module_address else None,
            builtin_name(core, address) or "",
        )
    else:
        return None
    if module is None:
        return None
    return qualname if module == "builtins" else f"{module}.{qualname}"


FAMILIES = (UnionFamily(), GenericAliasFamily())
