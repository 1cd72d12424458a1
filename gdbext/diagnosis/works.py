"""Which objects one operation of bytecode works on, and what it does to each: its receiver, its arguments, what it iterates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gdbext.cpython.interpreter.calls import CALLS, Callee, bound_to, is_python
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import VARIABLES, class_attribute, operand, resolve, subjects
from gdbext.cpython.interpreter.operations import Operation
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import TypeInfo
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import method_traits
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.effects import effect_of, effect_on_argument
from gdbext.target.protocol import MemoryFault

ATTRIBUTES = ("load-attr", "store-attr", "delete-attr")
CONSTANTS = ("const", "int")
# Bytecode's operations as a programmer names them; calls go by the callee's name.
WORDS = {
    "load-attr": "getattr",
    "store-attr": "setattr",
    "delete-attr": "delattr",
    "load-subscr": "getitem",
    "store-subscr": "setitem",
    "delete-subscr": "delitem",
    "binary-op": "",
}


@dataclass(frozen=True)
class Work:
    """One object and what an operation does to it.  ``word`` names the operation for people."""

    address: int
    operation: Operation
    word: str
    is_argument: bool
    """The object is not what the operation is done to, but goes into it."""
    is_own: bool
    """The operation is one of the object's own: its method, its item, its attribute, a step of it."""
    calls_python: bool
    """What is called is written in Python: what it does to the object shows in its own code."""
    is_iterator: bool | None
    is_plain_attribute: bool
    """The attribute is one that an instance of a class written in Python simply has: no code of C stands behind it."""

    @property
    def shows_elsewhere(self) -> bool:
        """The operation itself does nothing to the object: what is done to it shows in other code, if anything is."""
        return self.calls_python or (
            self.operation.kind == "call" and method_traits(self.operation.name).identifies
        )

    def effect(self, kind: str) -> Effect:
        if self.shows_elsewhere:
            return Effect.READ
        if self.is_argument:
            return effect_on_argument(kind, self.operation, self.is_iterator)
        return effect_of(kind, self.operation, is_iterator=self.is_iterator)

    def is_guarded(self, kind: str) -> bool:
        """Whether the operation takes the object's lock, or an attribute of a plain instance, which is as safe."""
        if self.calls_python or self.operation.kind in VARIABLES:
            return True
        if self.operation.kind in ATTRIBUTES and not self.is_argument:
            return self.is_plain_attribute
        return self.is_own and traits_of(kind).locks_itself


def worked_on(
    objects: Objects, frame: Frame, operation: Operation, callee: Callee | None, is_on_stack: bool
) -> Iterator[Work]:
    """The objects that the operation works on; ``is_on_stack``: its operands lie on the frame's value stack."""
    names = subjects(objects, frame, operation)
    calls_python = callee is not None and is_python(objects, callee)
    is_method = operation.receiver in names
    first = 1 if operation.kind == "call" else 0
    for position, name in enumerate(names):
        if name is None or name[0] in CONSTANTS:
            continue
        word = "call" if operation.kind == "call" and position == 0 else describe(operation)
        is_argument = position > first
        found = {operand(objects, frame, operation, name, is_on_stack)}
        if operation.kind == "next":
            # The loop's iterator, and what that walks.
            found.add(resolve(objects, frame, name))
        for address in found - {None}:
            if address is not None:
                is_own = is_method and position == 0
                yield _work(objects, address, operation, word, is_argument, is_own, calls_python)
    if callee is not None and (owner := bound_to(objects, callee)) is not None:
        yield _work(objects, owner, operation, describe(operation), False, True, False)


def describe(operation: Operation) -> str:
    """The operation in a word or two: ``clear``, ``repr``, ``setattr x``, ``setitem``, ``next``, ``+=``."""
    if operation.kind in CALLS:
        return operation.name or "call"
    word = WORDS.get(operation.kind, operation.kind)
    return f"{word} {operation.name}".strip() if operation.name else word


def _work(
    objects: Objects,
    address: int,
    operation: Operation,
    word: str,
    is_argument: bool,
    is_own: bool,
    calls_python: bool,
) -> Work:
    info = objects.type_of(address)
    return Work(
        address,
        operation,
        word,
        is_argument,
        is_own,
        calls_python,
        _is_iterator(objects, info.address) if info else None,
        info is not None and _is_plain_attribute(objects, info, operation),
    )


def _is_plain_attribute(objects: Objects, info: TypeInfo, operation: Operation) -> bool:
    if not info.is_python_class or operation.name is None or operation.name == "__dict__":
        return False
    found = class_attribute(objects, info, operation.name)
    descriptor = objects.type_of(found) if found else None
    return descriptor is None or traits_of(descriptor.name).plain_descriptor


def _is_iterator(objects: Objects, kind: int) -> bool | None:
    """Whether objects of the type are their own iterators; None where its slots cannot be read."""
    try:
        return bool(objects.field("PyTypeObject", kind, "tp_iternext"))
    except (MemoryFault, UnknownLayout):
        return None
