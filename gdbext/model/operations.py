"""What a thread does to an object, as a value."""

from __future__ import annotations

import enum

from gdbext.frozen import dataclass


class OperationKind(str, enum.Enum):
    """What a thread does to an object, and by what it is known.

    ``name`` of an :class:`Operation` is given in brackets.
    """

    CALL = "call"
    """Python code calls a function or method [its name; None: a computed call]."""
    GETATTR = "getattr"
    SETATTR = "setattr"
    DELATTR = "delattr"
    """[the attribute]"""
    GETITEM = "getitem"
    SETITEM = "setitem"
    DELITEM = "delitem"
    BINARY = "binary"
    """[the operator: ``+``, ``+=``]"""
    COMPARE = "compare"
    """[the operator]"""
    CONTAINS = "contains"
    ITER = "iter"
    NEXT = "next"
    SEND = "send"
    UNPACK = "unpack"
    EXTEND = "extend"
    """A display takes all of the object's items [``list``, ``set``, ``dict``: the new object's
    type].
    """
    FORMAT = "format"
    """[``str``, ``repr``, ``ascii``; None without a conversion]"""
    RAISE = "raise"
    TRUTH = "truth"
    AWAIT = "await"
    MATCH = "match"
    LOAD_VARIABLE = "load-deref"
    STORE_VARIABLE = "store-deref"
    DELETE_VARIABLE = "delete-deref"
    """A variable that functions share by its cell."""
    STORE_GLOBAL = "store-global"
    DELETE_GLOBAL = "delete-global"
    """[the variable]"""
    IMPORT = "import"
    """[the module]"""
    RUN = "run"
    """The thread runs the frame."""
    SLOT = "slot"
    """C code of a type's slot runs [the Python operation that the slot is: ``repr``,
    ``setitem``].
    """
    METHOD = "method"
    """C code of a type's method runs [the method]."""
    GETTER = "getter"
    SETTER = "setter"
    """C code of a type's attribute runs [the attribute]."""
    C_FUNCTION = "c-function"
    """C code runs of which no table of a type names the function [the function]."""
    C_CODE = "c-code"
    PYTHON_LINE = "python-line"
    """The current Python line, whatever of it."""
    USE = "use"
    """Any use of the object."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a thread does to an object, as a value; :mod:`gdbext.wording` says it in English.

    >>> Operation(kind=OperationKind.SETATTR, name="__dict__").verb
    'setattr'
    >>> Operation(kind=OperationKind.SLOT, name="repr", type="list", slot="tp_repr").verb
    'repr'
    """

    kind: OperationKind
    name: str | None = None
    type: str | None = None
    """The type (``tp_name``) that the C code belongs to; None of what Python code does."""
    slot: str | None = None
    """``tp_repr``, of a SLOT."""

    @property
    def verb(self) -> str | None:
        """One word for it, as a Python programmer has it: ``clear``, ``setattr``,
        ``next``, ``+=``.
        """
        kind = OperationKind
        if self.kind is kind.GETTER:
            return "getattr"
        if self.kind is kind.SETTER:
            return "setattr"
        if self.kind in (kind.C_CODE, kind.PYTHON_LINE, kind.USE):
            return None
        named = (kind.CALL, kind.BINARY, kind.EXTEND, kind.FORMAT, kind.SLOT, kind.METHOD)
        if self.kind in (*named, kind.C_FUNCTION):
            return self.name or str(self.kind)
        return str(self.kind)

    @property
    def attribute(self) -> str | None:
        """The attribute, variable or module that it is about; None of other kinds."""
        kind = OperationKind
        of_objects = (kind.GETATTR, kind.SETATTR, kind.DELATTR, kind.GETTER, kind.SETTER)
        others = (kind.STORE_GLOBAL, kind.DELETE_GLOBAL, kind.IMPORT)
        return self.name if self.kind in (*of_objects, *others) else None
