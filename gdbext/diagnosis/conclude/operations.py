"""What a C function is there for, in Python's terms: by the slot or method that it is."""

from __future__ import annotations

from gdbext.cpython.traits.methods import slot_traits
from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.facts.frames import CrashStack, SlotOwner
from gdbext.model import Operation, OperationKind


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


def is_plain_method(operation: Operation) -> bool:
    """Whether C code runs a method that has a name of its own, as ``deque.append``.

    What calls that does so on purpose.  Special methods run for other operations, by which a
    programmer knows them: ``__reduce_ex__`` for ``pickle.dumps``.
    """
    return operation.kind is OperationKind.METHOD and not (operation.name or "__").startswith("__")


def of_crashed_frame(stack: CrashStack, level: int) -> Operation:
    """What the code at a frame of the crashed thread is there for.

    That is the operation of the slot that it, or what it was inlined into, is; of code that an
    extension called, the function that this is; an eval loop is there for its Python line.
    """
    if level in stack.eval_levels:
        return Operation(kind=OperationKind.PYTHON_LINE)
    around = [c for c in stack.c_frames if c.frame.level >= level]
    named = next(iter(around), None)
    for inner, frame in zip([None, *around], around):
        called = inner is not None and is_others(inner.frame.module, stack.interpreter_module)
        calls = is_others(frame.frame.module, stack.interpreter_module)
        if called and not calls:
            # What calls an extension's function is not what that is there for.
            break
        if calls and not called:
            named = inner or frame
        if frame.owner is not None and not frame.owner.is_shared:
            return of_slot(frame.owner)
        if frame.owner is not None:
            # What types without anything in common share is not an operation of any of them.
            return Operation(kind=OperationKind.C_FUNCTION, name=frame.function)
        # An inlined helper belongs to the next real function; a static helper to the slot that
        # called it.
        if not frame.frame.is_inlined and frame.frame.level > level + 1:
            break
    if named is None or (named.frame.function is None and named.owner is None):
        return Operation(kind=OperationKind.C_CODE)
    return Operation(kind=OperationKind.C_FUNCTION, name=named.function)
