"""Operations as values: of bytecode, and of C functions by the slot or method that they are."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.cpython.interpreter.calls import CALLS
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.diagnosis.conclude.operations import of_slot
from gdbext.diagnosis.facts.frames import CrashStack
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
    "aiter": OperationKind.ITER,
    "anext": OperationKind.NEXT,
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
NEXT = Operation(kind=OperationKind.NEXT)
RUN = Operation(kind=OperationKind.RUN)


def of_bytecode(operation: BytecodeOperation) -> Operation:
    """What an operation of bytecode is to a programmer; calls go by the callee's name."""
    if operation.kind in CALLS:
        kind = BUILTINS.get(operation.name or "")
        return Operation(kind=kind) if kind else Operation(kind=CALL.kind, name=operation.name)
    kind = KINDS.get(operation.kind) or OperationKind(operation.kind)
    return Operation(kind=kind, name=operation.name)


def of_c_function(
    functions: Functions, stack: CrashStack, frame: NativeFrame, families: Sequence[str]
) -> Operation:
    """What a C function of any thread does to an object whose type and base types those are: its
    slot or method, else its own name.
    """
    owner = functions.owner(frame, stack.is_exact(frame.level))
    if owner and owner.type_name in families:
        return of_slot(owner)
    return Operation(kind=OperationKind.C_FUNCTION, name=frame.function or "??")
