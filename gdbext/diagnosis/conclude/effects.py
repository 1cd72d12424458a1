"""What an operation does to its object: reads it, changes it, replaces its storage, or initialises
it again.
"""

from __future__ import annotations

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import effect_of_method, method_traits, slot_traits
from gdbext.cpython.traits.types import traits_of
from gdbext.model import Operation, OperationKind


def effect_in_c(type_name: str, operation: Operation) -> Effect:
    """What C code does to an object that it has at hand, by the slot or method that the code is."""
    if traits_of(type_name).immutable:
        return Effect.READ
    if operation.kind is OperationKind.SLOT:
        return slot_traits(operation.slot or "").effect
    if operation.kind is OperationKind.METHOD:
        return effect_of_method(operation.name)
    return Effect.UNKNOWN


def keeps_items(operation: Operation) -> bool:
    """Whether a container still holds whatever it held before Python code did that to it."""
    return operation.kind is OperationKind.CALL and method_traits(operation.name).keeps_items


def identifies(operation: Operation) -> bool:
    """Whether Python code only asks for what an object is."""
    return operation.kind is OperationKind.CALL and method_traits(operation.name).identifies
