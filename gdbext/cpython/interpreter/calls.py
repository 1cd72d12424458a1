"""What an operation calls, and the frame that a Python function would begin with: only its
arguments and closure are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gdbext.cpython.interpreter.frames import Code, Frame
from gdbext.cpython.interpreter.names import attribute, class_attribute, operand
from gdbext.cpython.interpreter.operations import BytecodeOperation, Name
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.target.protocol import MemoryFault

CALLS = ("call", "call-method")
# The special methods that the operations other than calls run, where the receiver's class is
# written in Python.
SPECIAL = {
    "load-subscr": "__getitem__",
    "store-subscr": "__setitem__",
    "delete-subscr": "__delitem__",
    "contains": "__contains__",
    "iter": "__iter__",
    "next": "__next__",
}
OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "@": "matmul",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "lshift",
    ">>": "rshift",
    "**": "pow",
}


@dataclass(frozen=True)
class Callee:
    """``address`` is the function, method or class; ``owner`` the object that becomes its first
    argument, if one does.
    """

    address: int
    owner: int | None = None


def callee(
    objects: Objects, frame: Frame, operation: BytecodeOperation, is_running: bool
) -> Callee | None:
    """What the operation calls; None where it calls nothing, or what is not known."""
    receiver = operand(objects, frame, operation, operation.receiver, is_running)
    if receiver is None:
        return None
    try:
        if operation.kind == "call":
            return Callee(receiver)
        return _method(objects, receiver, operation)
    except (MemoryFault, UnknownLayout):
        return None


def _method(objects: Objects, receiver: int, operation: BytecodeOperation) -> Callee | None:
    info = objects.type_of(receiver)
    if info is None:
        return None
    if operation.kind != "call-method":
        names = _special_methods(operation)
        found = next((f for name in names if (f := class_attribute(objects, info, name))), None)
        return Callee(found, receiver) if found else None
    if operation.name is None:
        return None
    if operation.receiver and operation.receiver[0] == "super":
        # From the class after the one that has the calling method, which is the first that has it,
        # as a rule.
        found = class_attribute(objects, info, operation.name, skip=1)
        return Callee(found, receiver) if found else None
    found = attribute(objects, receiver, operation.name)
    if found is None:
        return None
    is_bound = (
        objects.attribute(receiver, operation.name) is None
        and info.name != "module"
        and not info.is_subclass("type")
    )
    return Callee(found, receiver if is_bound else None)


def _special_methods(operation: BytecodeOperation) -> Iterator[str]:
    if operation.kind == "binary-op" and operation.name:
        base = OPERATORS.get(operation.name.removesuffix("="))
        if base and operation.name.endswith("="):
            yield f"__i{base}__"
        if base:
            yield f"__{base}__"
    elif operation.kind in SPECIAL:
        yield SPECIAL[operation.kind]


def is_python(objects: Objects, target: Callee) -> bool:
    """Whether the callee is written in Python."""
    info = objects.type_of(target.address)
    if info is None or info.name in ("function", "method"):
        return info is not None
    described = objects.type_info(target.address) if info.is_subclass("type") else None
    # A class made in C may be changeable as one written in Python is, but has no functions.
    runs = (
        class_attribute(objects, described, "__init__")
        if described
        else class_attribute(objects, info, "__call__")
    )
    kind = objects.type_of(runs) if runs else None
    return kind is not None and kind.name == "function"


def bound_to(objects: Objects, target: Callee) -> int | None:
    """What a built-in function is bound to: the object whose method it is, or the module that has
    it.

    The functions that every module has share no state of their own.
    """
    info = objects.type_of(target.address)
    if info is None or info.name != "builtin_function_or_method":
        return None
    module = objects.pointer("PyCFunctionObject", target.address, "m_module")
    if module and objects.text(module) == "builtins":
        return None
    return objects.pointer("PyCFunctionObject", target.address, "m_self")


def code_of(objects: Objects, target: Callee) -> int | None:
    """The code object of a function or method written in Python."""
    function, _ = _unbound(objects, target)
    return objects.pointer("PyFunctionObject", function, "func_code") if function else None


def entered(
    objects: Objects, caller: Frame, operation: BytecodeOperation, target: Callee, code: Code
) -> Frame | None:
    """The frame of the callee as it begins: its first locals are the call's arguments as far as
    they can be found.
    """
    function, owner = _unbound(objects, target)
    if function is None:
        return None
    arguments: list[Name | None] = []
    for name in operation.arguments if operation.kind in CALLS else operation.arguments[:2]:
        if name is not None and name[0] == "star":
            break
        arguments.append(name)
    values = [operand(objects, caller, operation, name, False) for name in arguments]
    if owner is not None:
        values.insert(0, owner)
    slots = {name: value for name, value in zip(code.slot_names, values) if value}
    closure = objects.pointer("PyFunctionObject", function, "func_closure")
    cells = objects.tuple_items(closure) if closure else ()
    if cells:
        slots.update(zip(code.slot_names[-len(cells) :], cells))
    namespace = objects.pointer("PyFunctionObject", function, "func_globals")
    return Frame(
        0,
        code.address,
        code.name,
        code.file,
        None,
        None,
        namespace or 0,
        slots,
        (),
        code.slot_names,
    )


def _unbound(objects: Objects, target: Callee) -> tuple[int | None, int | None]:
    """The function, and what it is bound to."""
    info = objects.type_of(target.address)
    if info is not None and info.name == "function":
        return target.address, target.owner
    if info is not None and info.name == "method":
        function = objects.pointer("PyMethodObject", target.address, "im_func")
        return function, objects.pointer("PyMethodObject", target.address, "im_self")
    return None, None
