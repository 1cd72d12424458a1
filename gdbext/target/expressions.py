"""The debuggers' texts made equal: types; and expressions that would do more than look."""

from __future__ import annotations

import re
from contextlib import suppress

from gdbext.target.cplusplus import short_function
from gdbext.target.protocol import Debugger, DebuggerError

ASSIGNMENT = re.compile(r"\+\+|--|<<=|>>=|(?<![=!<>])=(?!=)")
QUOTED = re.compile(r"""'(?:\\.|[^'\\])'|"(?:\\.|[^"\\])*\"""")


CLONE = re.compile(r"(?<=\w)\.(?:cold|part|constprop|isra|lto_priv|llvm|__uniq)\b.*")

PIECE = re.compile(r"(?<=\w)\.(?:cold(?:\.\d+)?|(?:part|constprop|isra)\.\d+)$")
"""What compilers put behind a function's name for a piece or a copy of it, the last of them."""


def plain_function(symbol: str) -> str:
    """The function that a symbol is, or is a piece or a copy of.

    Compilers split functions (``.cold``, ``.part.0``), specialise copies of them (``.constprop.0``,
    ``.isra.0``), and link-time optimisation tells static ones of equal names apart
    (``.lto_priv.0``, ``.llvm.1234``).

    >>> plain_function("list_repr_impl.isra.0.cold"), plain_function("_Py_Dealloc")
    ('list_repr_impl', '_Py_Dealloc')
    """
    return short_function(CLONE.sub("", symbol))


def has_own_name(file: str | None) -> bool:
    """Whether the function of a source file has a name in debug information; one in assembler has
    symbols only, often several.
    """
    return file is not None and not file.endswith(".S")


def tidy_type(name: str) -> str:
    """A C type without ``struct``, ``union`` and ``enum``, spelled in one way.

    >>> tidy_type("struct _ts *"), tidy_type("char [16]"), tidy_type("PyObject * const *")
    ('_ts *', 'char[16]', 'PyObject *const *')
    """
    bare = (
        re.sub(r"\b(?:struct|union|enum) (?=[\w{])", "", name)
        .replace("_Bool", "bool")
        .replace("(void)", "()")
    )
    return re.sub(r"\* (?=const|volatile|restrict)", "*", bare.replace(" [", "["))


def refuse_side_effects(expression: str) -> None:
    """Raise DebuggerError for an expression that assigns.  (That nothing is called, the debuggers
    see to themselves.)

    >>> refuse_side_effects("v->ob_item[0] == 0")
    """
    if ASSIGNMENT.search(QUOTED.sub("", expression)):
        raise DebuggerError(f"`{expression}` would change the program; gdbext only looks")


def simple_value(debugger: Debugger, expression: str) -> int | None:
    """The value of a number or of a variable of the selected frame: neither needs the debugger's
    own evaluation.

    A variable is looked up as ``variables`` has it: the debugger may show garbage where a register
    was not saved, or nothing where its caller still knows the value.
    """
    if not expression.strip():
        raise DebuggerError(
            "an address is missing: a variable, a register ($rdi), a number or another expression"
        )
    with suppress(ValueError):
        number = int(expression, 0)
        if number >> 64 not in (0, -1):
            raise DebuggerError(f"`{expression}` is not an address: it has more than 64 bits")
        return number & (1 << 64) - 1
    if not expression.isidentifier():
        return None
    variable = next(
        (v for v in debugger.variables(*debugger.selected()) if v.name == expression), None
    )
    if variable is not None and variable.value is None:
        raise DebuggerError(f"`{expression}` is optimized out here; give its address instead")
    return variable.value if variable is not None else None
