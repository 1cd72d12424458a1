"""What an operation does to its object: reads it, changes it, replaces its storage, or initialises it again."""

from __future__ import annotations

from gdbext.cpython.interpreter.operations import Operation
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import effect_of_method, method_traits
from gdbext.cpython.traits.types import traits_of

ADVANCING = ("iterator", "generator", "reader", "scanner", "Iterator")


def effect_of(
    kind: str, operation: Operation | None, text: str = "", is_iterator: bool | None = None
) -> Effect:
    """What the operation does to an object of type ``kind``; without one ``text`` names what a C function does.

    ``is_iterator`` says whether the object is its own iterator, which every step changes; None where that is not known.
    """
    if traits_of(kind).immutable:
        return Effect.READ
    if operation is None:
        return _by_text(text)
    if operation.kind in ("store-attr", "delete-attr"):
        return Effect.WRITE
    if operation.kind in ("store-subscr", "delete-subscr"):
        return Effect.RESIZE
    if operation.kind == "binary-op":
        return Effect.RESIZE if (operation.name or "").endswith("=") else Effect.READ
    if operation.kind in ("call-method", "call"):
        return _by_name(kind, operation.name or "", is_iterator)
    if operation.kind in ("store-deref", "delete-deref"):
        return Effect.WRITE
    if operation.kind in ("next", "send"):
        return Effect.READ if is_iterator is False else Effect.WRITE
    if operation.kind in ("iter", "unpack", "extend"):
        return Effect.WRITE if advances(kind, is_iterator) else Effect.READ
    return Effect.READ


def effect_on_argument(kind: str, operation: Operation, is_iterator: bool | None = None) -> Effect:
    """What an operation does to an object that it only gets as an argument besides another: it reads it.

    Iterators are used up by that, and into plain memory it may write.
    """
    if traits_of(kind).immutable:
        return Effect.READ
    if advances(kind, is_iterator) and operation.kind not in ("store-attr", "compare"):
        return Effect.WRITE
    return Effect.UNKNOWN if traits_of(kind).memory else Effect.READ


def advances(kind: str, is_iterator: bool | None) -> bool:
    """Whether walking over the object changes it."""
    return is_iterator if is_iterator is not None else any(word in kind for word in ADVANCING)


def _by_name(kind: str, name: str, is_iterator: bool | None = None) -> Effect:
    effect = effect_of_method(name)
    if method_traits(name).consumes and advances(kind, is_iterator):
        return Effect.WRITE
    return effect


def _by_text(text: str) -> Effect:
    if text.endswith(".__init__()"):
        return Effect.REINIT
    if "] = " in text or text.startswith(("clearing", "deallocating")):
        return Effect.RESIZE
    if text.startswith("setting"):
        return Effect.WRITE
    if text.startswith("next("):
        return Effect.WRITE
    name = text.removesuffix("()").rsplit(".", 1)[-1]
    effect = effect_of_method(name)
    if effect in (Effect.RESIZE, Effect.READ):
        return effect
    if text.startswith(
        ("repr(", "str(", "len(", "hash(", "iter(", "comparing", "reading", "x in ")
    ):
        return Effect.READ
    return Effect.UNKNOWN
