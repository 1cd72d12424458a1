"""What the C types of a function's variables say of the objects that they point to."""

from __future__ import annotations

import re

from gdbext.cpython.traits.types import type_of_struct

POINTER = re.compile(r"^(?:const |struct |volatile )*(\w+) \*(?: ?const)?$")


def pointed_struct(dwarf_type: str) -> str | None:
    """``PyListObject`` for ``PyListObject *``; None for what is not a pointer to a named struct."""
    found = POINTER.match(dwarf_type.strip())
    return found[1] if found else None


def expected_by_dwarf(dwarf_type: str, is_in_interpreter: bool = True) -> str | None:
    """The Python type that a variable of this C type points to.

    None for ``PyObject *`` and for what is not an object.  What Python.h does not declare
    (``unionobject``) may be any extension's own struct outside of the interpreter.
    """
    struct = pointed_struct(dwarf_type)
    return (
        type_of_struct(struct)
        if struct and (is_in_interpreter or struct.startswith("Py"))
        else None
    )
