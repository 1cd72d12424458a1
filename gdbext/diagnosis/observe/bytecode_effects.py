"""What an operation of bytecode does to its object."""

from __future__ import annotations

from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import method_traits
from gdbext.cpython.traits.types import traits_of

WRITING = ("store-attr", "delete-attr", "store-deref", "delete-deref")
STORING_ITEMS = ("store-subscr", "delete-subscr")
STEPPING = ("next", "anext", "send")
WALKING = ("iter", "aiter", "unpack", "extend")
BUILTIN_FUNCTIONS = ("builtins",)
"""Whose functions a row of methods.json is of, where it is of no type's method."""


def effect_of(type_name: str, operation: BytecodeOperation, is_iterator: bool) -> Effect:
    """What the operation does to its receiver, or a call to its first argument.

    ``is_iterator``: the object is its own iterator, which every step changes.
    """
    if traits_of(type_name).immutable:
        return Effect.READ
    if operation.kind == "raise":
        # It gets a traceback and a context; of a class that is raised a new instance does.
        return Effect.READ if type_name == "type" else Effect.WRITE
    if operation.kind in WRITING:
        return Effect.WRITE
    if operation.kind in STORING_ITEMS:
        return Effect.RESIZE
    if operation.kind == "binary-op":
        return Effect.RESIZE if (operation.name or "").endswith("=") else Effect.READ
    if operation.kind in ("call-method", "call"):
        is_used_up = is_iterator and method_traits(operation.name).consumes
        return Effect.WRITE if is_used_up else _effect_of_call(operation)
    if operation.kind in STEPPING:
        return Effect.WRITE if is_iterator else Effect.READ
    return Effect.WRITE if operation.kind in WALKING and is_iterator else Effect.READ


def _effect_of_call(operation: BytecodeOperation) -> Effect:
    """What a call does to the object that the method is of, or to its first argument.

    A method may have the name of a built-in function, ``registry.set("key", value)``: that
    ``set(items)`` only reads its argument says nothing of it.
    """
    row = method_traits(operation.name)
    is_anothers = operation.kind == "call-method" and row.of == BUILTIN_FUNCTIONS
    return Effect.UNKNOWN if is_anothers and row.effect is Effect.READ else row.effect


def effect_on_argument(type_name: str, operation: BytecodeOperation, is_iterator: bool) -> Effect:
    """What an operation does to an object that it only gets as an argument besides another: it
    reads it.

    Iterators are used up by that, and into plain memory it may write.
    """
    if traits_of(type_name).immutable:
        return Effect.READ
    if is_iterator and operation.kind not in ("store-attr", "compare"):
        return Effect.WRITE
    return Effect.UNKNOWN if traits_of(type_name).memory else Effect.READ
