"""Which objects one operation of bytecode works on, and what it does to each: its receiver, its
arguments, what it iterates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gdbext.cpython.interpreter.calls import Callee, bound_to, is_python
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import VARIABLES, class_attribute, operand, resolve, subjects
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import TypeInfo
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import method_traits
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.observe.bytecode_effects import effect_of, effect_on_argument
from gdbext.diagnosis.observe.operations import CALL, of_bytecode
from gdbext.model import Operation
from gdbext.target.protocol import MemoryFault

ATTRIBUTES = ("load-attr", "store-attr", "delete-attr")
CONSTANTS = ("const", "int")


@dataclass(frozen=True, kw_only=True)
class Operand:
    """One object that an operation of bytecode works on; ``operation`` is what is done to it."""

    address: int
    bytecode: BytecodeOperation
    operation: Operation
    is_argument: bool = False
    """The object is not what the operation is done to, but goes into it."""
    is_own: bool = False
    """The operation is one of the object's own: its method, its item, its attribute, a
    step of it.
    """
    calls_python: bool = False
    """What is called is written in Python: what it does to the object shows in its own code."""
    is_iterator: bool = False
    """The object is its own iterator."""
    is_plain_attribute: bool = False
    """The attribute is one that an instance of a class written in Python simply has.

    No code of C stands behind it."""

    @property
    def shows_elsewhere(self) -> bool:
        """The operation itself does nothing to the object.

        What is done to it shows in other code, if anything is."""
        return self.calls_python or (
            self.bytecode.kind == "call" and method_traits(self.bytecode.name).identifies
        )

    def effect(self, type_name: str) -> Effect:
        """What is done to the object, which is of that type."""
        if self.shows_elsewhere:
            return Effect.READ
        effect = effect_on_argument if self.is_argument else effect_of
        return effect(type_name, self.bytecode, self.is_iterator)

    def is_guarded(self, type_name: str) -> bool:
        """Whether the operation takes the object's lock, or an attribute of a plain instance, which
        is as safe.
        """
        if self.calls_python or self.bytecode.kind in VARIABLES:
            return True
        if self.bytecode.kind in ATTRIBUTES and not self.is_argument:
            return self.is_plain_attribute
        return self.is_own and traits_of(type_name).locks_itself


def operands(
    objects: Objects,
    frame: Frame,
    bytecode: BytecodeOperation,
    callee: Callee | None,
    is_on_stack: bool,
) -> Iterator[Operand]:
    """The objects that the operation works on; ``is_on_stack``: its operands lie on the frame's
    value stack.
    """
    names = subjects(objects, frame, bytecode)
    calls_python = callee is not None and is_python(objects, callee)
    is_method = bytecode.receiver in names
    first = 1 if bytecode.kind == "call" else 0
    for position, name in enumerate(names):
        if name is None or name[0] in CONSTANTS:
            continue
        is_called = bytecode.kind == "call" and position == 0
        addresses = {operand(objects, frame, bytecode, name, is_on_stack)}
        if bytecode.kind == "next":
            # The loop's iterator, and what that walks.
            addresses.add(resolve(objects, frame, name))
        for address in addresses - {None}:
            if address is not None:
                yield _operand(
                    objects,
                    address,
                    bytecode,
                    CALL if is_called else of_bytecode(bytecode),
                    is_argument=position > first,
                    is_own=is_method and position == 0,
                    calls_python=calls_python,
                )
    if callee is not None and (owner := bound_to(objects, callee)) is not None:
        yield _operand(objects, owner, bytecode, of_bytecode(bytecode), is_own=True)


def _operand(
    objects: Objects,
    address: int,
    bytecode: BytecodeOperation,
    operation: Operation,
    is_argument: bool = False,
    is_own: bool = False,
    calls_python: bool = False,
) -> Operand:
    info = objects.type_of(address)
    return Operand(
        address=address,
        bytecode=bytecode,
        operation=operation,
        is_argument=is_argument,
        is_own=is_own,
        calls_python=calls_python,
        is_iterator=info is not None and _is_iterator(objects, info.address),
        is_plain_attribute=info is not None and _is_plain_attribute(objects, info, bytecode),
    )


def _is_plain_attribute(objects: Objects, info: TypeInfo, bytecode: BytecodeOperation) -> bool:
    if not info.is_python_class or bytecode.name is None or bytecode.name == "__dict__":
        return False
    attribute = class_attribute(objects, info, bytecode.name)
    descriptor = objects.type_of(attribute) if attribute else None
    return descriptor is None or traits_of(descriptor.name).plain_descriptor


def _is_iterator(objects: Objects, type_address: int) -> bool:
    """Whether objects of the type are their own iterators."""
    try:
        return bool(objects.field("PyTypeObject", type_address, "tp_iternext"))
    except (MemoryFault, UnknownLayout):
        return False
