"""Whether a C variable points to a Python object, as its struct's layout says."""

from __future__ import annotations

import re

from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.traits.types import type_of_struct
from gdbext.diagnosis.conclude.c_types import pointed_struct

HEADERS = ("PyObject", "_object", "PyVarObject")
NOT_OBJECTS = frozenset(
    {
        "char",
        "void",
        "va_list",
        "int",
        "long",
        "PyThreadState",
        "_PyInterpreterFrame",
        "PyInterpreterState",
        "PyMutex",
    }
)
NUMBER = re.compile(r"(?:Py_)?(?:u?int(?:\d+|ptr|max)|s?size|u?hash|wchar)_t")
"""C's and CPython's names for numbers: a debugger that was asked for a struct of such a name would
search all debug information for what is not there.
"""


def is_object_pointer(dwarf_type: str, layout: Layout) -> bool:
    """Whether a variable of this C type points to some Python object.

    It does where its struct starts with an object header.
    """
    struct = pointed_struct(dwarf_type)
    if struct is None:
        return False
    if struct in HEADERS or type_of_struct(struct):
        return True
    if struct in NOT_OBJECTS or NUMBER.fullmatch(struct):
        return False
    found = layout.find(struct)
    return (
        found is not None
        and "ob_type" in found
        and found.offset("ob_type") == layout.offset("PyObject", "ob_type")
    )
