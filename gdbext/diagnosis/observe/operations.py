"""Operations as values: of bytecode, and of C functions by the slot or method that they are."""

from __future__ import annotations

from gdbext.cpython.interpreter.calls import CALLS
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.traits.methods import slot_traits
from gdbext.diagnosis.facts.frames import CrashStack, SlotOwner
from gdbext.diagnosis.observe.stack import Functions
from gdbext.model import Operation, OperationKind
from gdbext.target.protocol import NativeFrame

KINDS = {
    "load-attr": OperationKind.GETATTR,
    "store-attr": OperationKind.SETATTR,
    "delete-attr": OperationKind.DELATTR,
    "load-subscr": OperationKind.GETITEM,
    "store-subscr": OperationKind.SETITEM,
    "delete-subscr": OperationKind.DELITEM,
    "binary-op": OperationKind.BINARY,
}
"""Kinds of bytecode operations by other names; the rest have one name."""
BUILTINS = {
    "next": OperationKind.NEXT,
    "iter": OperationKind.ITER,
    "send": OperationKind.SEND,
}
"""Calls that do what bytecode has instructions for."""
CALL = Operation(kind=OperationKind.CALL)
"""A computed call: what is called says nothing of what it does."""
RUN = Operation(kind=OperationKind.RUN)


def of_bytecode(operation: BytecodeOperation) -> Operation:
    """What an operation of bytecode is to a programmer; calls go by the callee's name."""
    if operation.kind in CALLS:
        kind = BUILTINS.get(operation.name or "")
        return Operation(kind=kind) if kind else Operation(kind=CALL.kind, name=operation.name)
    kind = KINDS.get(operation.kind) or OperationKind(operation.kind)
    return Operation(kind=kind, name=operation.name)


def of_slot(owner: SlotOwner) -> Operation:
    """What Python code does to get to a function in a type's tables."""
    name, kind = owner.slot, OperationKind.SLOT
    if name.endswith("()"):
        kind, name = OperationKind.METHOD, name.removesuffix("()")
    elif name.startswith("."):
        kind = OperationKind.SETTER if name.endswith("=") else OperationKind.GETTER
        name = name.removeprefix(".").removesuffix(" =")
    else:
        operation = slot_traits(owner.slot).operation
        return Operation(kind=kind, name=operation, type=owner.type_name, slot=owner.slot)
    return Operation(kind=kind, name=name, type=owner.type_name)


def of_c_function(
    functions: Functions, stack: CrashStack, frame: NativeFrame, type_name: str
) -> Operation:
    """What a C function of any thread does to an object of that type: its slot, else its own name."""
    owner = functions.owner(frame, stack.is_exact(frame.level))
    if owner and owner.type_name == type_name:
        return of_slot(owner)
    return Operation(kind=OperationKind.C_FUNCTION, name=frame.function or "??")


def of_crashed_frame(stack: CrashStack, level: int) -> Operation:
    """What the code at a frame of the crashed thread is there for.

    That is the operation of the slot that it, or what it was inlined into, is; an eval loop is there
    for its Python line.
    """
    if level in stack.eval_levels:
        return Operation(kind=OperationKind.PYTHON_LINE)
    around = [c for c in stack.c_frames if c.frame.level >= level]
    for frame in around:
        if frame.owner is not None and not frame.owner.is_shared:
            return of_slot(frame.owner)
        if frame.owner is not None:
            # What types without anything in common share is not an operation of any of them.
            return Operation(kind=OperationKind.C_FUNCTION, name=frame.function)
        # An inlined helper belongs to the next real function; a static helper to the slot that called it.
        if not frame.frame.is_inlined and frame.frame.level > level + 1:
            break
    if not around:
        return Operation(kind=OperationKind.C_CODE)
    return Operation(kind=OperationKind.C_FUNCTION, name=around[0].function)
