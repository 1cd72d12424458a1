"""Bound methods, built-in functions and descriptors (Objects/classobject.c, Objects/methodobject.c,
Objects/descrobject.c).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.family import Family, optional, required
from gdbext.cpython.objects.reader import FAULTS
from gdbext.cpython.objects.strings import read_cstring
from gdbext.cpython.objects.types import TypeInfo

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


METHOD = 32
"""The size of a PyMethodDef: name, function, flags, documentation."""
MAX_METHODS = 256


def c_methods(core: Core, info: TypeInfo) -> Mapping[str, int]:
    """The addresses of the C functions of a type's own methods, by name (``tp_methods``)."""
    return core.memo(("tp_methods", info.address), lambda: dict(_c_methods(core, info)))


def _c_methods(core: Core, info: TypeInfo) -> Iterator[tuple[str, int]]:
    try:
        table = core.field("PyTypeObject", info.address, "tp_methods")
        for place in range(table, table + METHOD * MAX_METHODS, METHOD) if table else ():
            pointer, function = core.words(place, 2)
            name = read_cstring(core.memory, pointer, 80) if pointer else None
            if not name:
                return
            yield name, function
    except FAULTS:
        return


class MethodFamily(Family):
    names = ("method",)
    struct = "PyMethodObject"
    slots = required(None, "im_func", "im_self")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        function, self_ = write.core.fields(self.struct, address, "im_func", "im_self")
        yield f"<bound method {callable_name(write.core, function) or '?'} of "
        yield from write.inner(self_)
        yield ">"


class BuiltinFamily(Family):
    """A C function, bound to its module or to the object that it is a method of."""

    names = ("builtin_function_or_method", "builtin_method")
    struct = "PyCFunctionObject"
    slots = optional(None, "m_self", "m_module")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        self_ = write.core.field(self.struct, address, "m_self")
        owner = write.core.type_of(self_) if self_ else None
        name = builtin_name(write.core, address) or "?"
        if owner is None or write.core.is_a(owner, "module"):
            yield f"<built-in function {name}>"
        else:
            yield f"<built-in method {name} of {owner.name} object at {self_:#x}>"


class DescriptorFamily(Family):
    """Descriptors of C types' methods, members and properties; ``word`` is what the repr calls
    them.
    """

    slots = (*required("type", "d_type"), *optional("str", "d_name", "d_qualname"))

    def __init__(self, names: str, struct: str, word: str) -> None:
        super().__init__(names, struct)
        self._word = word

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        type_address, name = write.core.fields(self.struct, address, "d_type", "d_name")
        owner = write.core.type_info(type_address)
        of_type = owner.name if owner else "?"
        yield f"<{self._word} '{write.core.text(name) or '?'}' of '{of_type}' objects>"


class MethodWrapperFamily(Family):
    """A slot wrapper bound to an object: ``(1).__add__``."""

    names = ("method-wrapper",)
    struct = "wrapperobject"
    slots = required(None, "descr", "self")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        descriptor, self_ = write.core.fields(self.struct, address, "descr", "self")
        name = write.core.text(write.core.field("PyDescrObject", descriptor, "d_name"))
        owner = write.core.type_of(self_)
        of_type = owner.name if owner else "?"
        yield f"<method-wrapper '{name or '?'}' of {of_type} object at {self_:#x}>"


def builtin_name(core: Core, address: int) -> str | None:
    """A C function's name, from its ``PyMethodDef``."""
    definition = core.field("PyCFunctionObject", address, "m_ml")
    return read_cstring(core.memory, core.field("PyMethodDef", definition, "ml_name"))


def callable_name(core: Core, address: int) -> str | None:
    """``__qualname__`` of a function, a built-in or a class; None for other callables."""
    info = core.type_of(address)
    if info is None:
        return None
    if core.is_a(info, "function"):
        return core.text(core.field("PyFunctionObject", address, "func_qualname"))
    if core.is_a(info, "builtin_function_or_method"):
        self_ = core.field("PyCFunctionObject", address, "m_self")
        owner = core.type_of(self_) if self_ else None
        name = builtin_name(core, address)
        if owner is None or name is None or core.is_a(owner, "module"):
            return name
        described = core.type_info(self_) if owner.is_subclass("type") else owner
        return f"{core.names(described)[1]}.{name}" if described else name
    described = core.type_info(address) if info.is_subclass("type") else None
    return core.names(described)[1] if described else None


FAMILIES = (
    MethodFamily(),
    BuiltinFamily(),
    DescriptorFamily("method_descriptor", "PyMethodDescrObject", "method"),
    DescriptorFamily("classmethod_descriptor", "PyMethodDescrObject", "method"),
    DescriptorFamily("member_descriptor", "PyMemberDescrObject", "member"),
    DescriptorFamily("getset_descriptor", "PyGetSetDescrObject", "attribute"),
    DescriptorFamily("wrapper_descriptor", "PyWrapperDescrObject", "slot wrapper"),
    MethodWrapperFamily(),
    Family(
        "property",
        "propertyobject",
        optional(None, "prop_get", "prop_set", "prop_del", "prop_doc", "prop_name"),
    ),
)

__all__ = ["FAMILIES", "builtin_name", "callable_name"]
