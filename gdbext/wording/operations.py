"""What a thread does to an object, in a few words."""

from __future__ import annotations

from gdbext.model import Operation, OperationKind
from gdbext.wording.grammar import Phrase

SLOTS = {
    "tp_repr": "repr({})",
    "tp_str": "str({})",
    "tp_hash": "hash({})",
    "tp_call": "calling {:a}",
    "tp_iter": "iter({})",
    "tp_iternext": "next({})",
    "tp_richcompare": "comparing {:a}",
    "tp_init": "{}.__init__()",
    "tp_new": "{}.__new__()",
    "tp_dealloc": "deallocating {:a}",
    "tp_traverse": "garbage-collecting {:a}",
    "tp_clear": "clearing {:a}",
    "tp_getattro": "reading an attribute of {:a}",
    "tp_setattro": "setting an attribute of {:a}",
    "tp_descr_get": "{}.__get__()",
    "sq_length": "len({})",
    "mp_length": "len({})",
    "sq_item": "{}[i]",
    "sq_contains": "x in {}",
    "sq_concat": "{} + x",
    "sq_repeat": "{} * n",
    "sq_ass_item": "{}[i] = x",
    "mp_subscript": "{}[x]",
    "mp_ass_subscript": "{}[x] = y",
}
"""Slots as a Python programmer names them."""
OF_TYPES = {
    OperationKind.METHOD: "{}.{}()",
    OperationKind.GETTER: "{}.{}",
    OperationKind.SETTER: "{}.{} =",
}
FIXED = {
    OperationKind.C_CODE: "C code",
    OperationKind.PYTHON_LINE: "the current Python line",
    OperationKind.USE: "uses it",
}
BY_NAME = frozenset({OperationKind.CALL, OperationKind.BINARY, OperationKind.C_FUNCTION})


def operation_text(operation: Operation | str) -> str:
    """The operation in a word or two: ``clear``, ``setattr x``, ``next``, ``+=``, ``repr(list)``.

    A text that is one already stays as it is.

    >>> operation_text(Operation(kind=OperationKind.CALL, name="clear"))
    'clear'
    >>> operation_text(Operation(kind=OperationKind.SLOT, name="repr", type="list", slot="tp_repr"))
    'repr(list)'
    >>> operation_text(Operation(kind=OperationKind.SLOT, type="int", slot="tp_richcompare"))
    'comparing an int'
    """
    if isinstance(operation, str):
        return operation
    kind, name = operation.kind, operation.name
    if kind is OperationKind.SLOT:
        template = SLOTS.get(operation.slot or "")
        if template:
            return template.format(Phrase(operation.type or "?"))
        return f"{operation.slot} of {operation.type}"
    if kind in OF_TYPES:
        return OF_TYPES[kind].format(operation.type, name)
    if kind in FIXED:
        return FIXED[kind]
    if kind in BY_NAME:
        return name or kind.value
    return f"{kind.value} {name}" if name else kind.value
