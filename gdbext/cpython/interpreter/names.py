"""From the name by which bytecode reached an object to the object, in a frame that still has that
name.
"""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.operations import EXIT, BytecodeOperation, Name
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.methods import c_methods
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import TypeInfo
from gdbext.target.protocol import MemoryFault

MAX_DEPTH = 6


def resolve(objects: Objects, frame: Frame, name: Name | None, depth: int = 0) -> int | None:
    """The address of the object that ``name`` means in ``frame`` now; None where it is not known,
    or is not bound.

    A local may have been bound again since the operation ran: what is found is what the name means
    now.
    """
    if name is None or depth > MAX_DEPTH:
        return None
    try:
        return _resolve(objects, frame, name, depth)
    except (MemoryFault, UnknownLayout):
        return None


def _resolve(objects: Objects, frame: Frame, name: Name, depth: int) -> int | None:
    kind = name[0]
    if kind in ("fast", "deref"):
        found = (
            frame.slots.get(frame.slot_names[name[1]])
            if 0 <= name[1] < len(frame.slot_names)
            else None
        )
        return cell_content(objects, found) if found and kind == "deref" else found
    if kind in ("global", "name"):
        if kind == "name" and (local := frame.slots.get(name[1])):
            return local
        # In damaged code objects names may be missing.
        return objects.dict_get_str(frame.globals, name[1]) if frame.globals and name[1] else None
    if kind == "attr":
        owner = resolve(objects, frame, name[1], depth + 1)
        return attribute(objects, owner, name[2]) if owner and name[2] else None
    if kind == "item" and name[1] and name[1][0] == "attr" and name[1][2] == "__dict__":
        # The attributes of an instance, which may have no dict yet.
        owner = resolve(objects, frame, name[1][1], depth + 1)
        text, _ = _key(objects, frame, name[2], depth)
        return objects.attribute(owner, text) if owner and text else None
    if kind == "item":
        owner = resolve(objects, frame, name[1], depth + 1)
        return item(objects, owner, *_key(objects, frame, name[2], depth)) if owner else None
    if kind == "const":
        constants = objects.pointer("PyCodeObject", frame.code, "co_consts")
        values = objects.tuple_items(constants) if constants else []
        return values[name[1]] if name[1] < len(values) else None
    if kind == "super":
        # A proxy of its own; its methods work on the object.
        return resolve(objects, frame, name[1], depth + 1)
    if kind == "entered":
        # What C's types give on entering is the object itself; what is written in Python may give
        # any other.
        found = resolve(objects, frame, name[1], depth + 1)
        return found if found and leaves_in_c(objects, found) else None
    if kind == "iter":
        # An iterator is an object of its own, on the value stack; what it walks is what is being
        # worked on.
        return resolve(objects, frame, name[1], depth + 1)
    return None


def attribute(objects: Objects, owner: int, name: str) -> int | None:
    """An attribute of an instance or of its class, of a class, or a global of a module."""
    info = objects.type_of(owner)
    if info is None:
        return None
    if info.name == "module":
        namespace = objects.pointer("PyModuleObject", owner, "md_dict")
        return objects.dict_get_str(namespace, name) if namespace else None
    own = objects.type_info(owner) if info.is_subclass("type") else None
    return (
        class_attribute(objects, own, name)
        if own
        else objects.attribute(owner, name) or class_attribute(objects, info, name)
    )


def leaves_in_c(objects: Objects, address: int) -> bool:
    """Whether a ``with`` of the object ends in code of C."""
    info = objects.type_of(address)
    if info is None or class_attribute(objects, info, EXIT) is not None:
        return False
    return any(EXIT in c_methods(objects, b) for b in objects.bases(info) if not b.is_python_class)


def class_attribute(objects: Objects, info: TypeInfo, name: str, skip: int = 0) -> int | None:
    """What a class written in Python, or its nearest base that has it, has under that name;
    ``skip`` passes over that many.

    What a static method wraps is what its name gives.
    """
    found = in_class(objects, info, name, skip)
    return (found and static_function(objects, found)) or found


def in_class(objects: Objects, info: TypeInfo, name: str, skip: int = 0) -> int | None:
    """The same as it lies in the class: a static method as such."""
    for base in objects.bases(info):
        found = (
            objects.dict_get_str(base.dict, name) if base.is_python_class and base.dict else None
        )
        if found and skip:
            skip -= 1
        elif found:
            return found
    return None


def static_function(objects: Objects, address: int) -> int | None:
    """The function of a static method; None of anything else."""
    info = objects.type_of(address)
    is_static = info is not None and info.name == "staticmethod"
    if not is_static or not objects.layout.has("staticmethod", "sm_callable"):
        return None
    return objects.pointer("staticmethod", address, "sm_callable")


def _key(
    objects: Objects, frame: Frame, name: Name | None, depth: int
) -> tuple[str | None, int | None]:
    """A subscript as a text or a number."""
    if name and name[0] == "int":
        return None, name[1]
    address = resolve(objects, frame, name, depth + 1)
    return (objects.text(address), objects.int_value(address)) if address else (None, None)


def item(objects: Objects, owner: int, text: str | None, number: int | None) -> int | None:
    """The item of a dict under a text or a number, or of a list or tuple at that index."""
    info = objects.type_of(owner)
    if info is None:
        return None
    if info.is_subclass("dict"):
        if text is not None:
            return objects.dict_get_str(owner, text)
        return next(
            (
                v
                for k, v in objects.dict_items(owner)
                if number is not None and objects.int_value(k) == number
            ),
            None,
        )
    items: Sequence[int] = ()
    if info.is_subclass("list"):
        items = objects.list_items(owner)
    elif info.is_subclass("tuple"):
        items = objects.tuple_items(owner)
    return items[number] if number is not None and -len(items) <= number < len(items) else None


def operand(
    objects: Objects,
    frame: Frame,
    operation: BytecodeOperation,
    name: Name | None,
    is_running: bool,
) -> int | None:
    """The object that an operation's operand is: while the operation is running, what lies on the
    value stack for it.
    """
    place = operation.places.get(name) if is_running and name is not None else None
    if (
        place is not None
        and place < len(frame.room)
        and frame.room[place]
        and objects.type_of(frame.room[place])
    ):
        return frame.room[place]
    if operation.kind in VARIABLES and name is not None and name == operation.receiver:
        return (
            frame.slots.get(frame.slot_names[name[1]]) if name[1] < len(frame.slot_names) else None
        )
    return resolve(objects, frame, name)


VARIABLES = ("load-deref", "store-deref", "delete-deref")
"""What these work on is the variable's cell, not what this holds."""


def subjects(objects: Objects, frame: Frame, operation: BytecodeOperation) -> list[Name | None]:
    """The names of the objects that an operation works on: a method's receiver and arguments; of a
    function its arguments.
    """
    if operation.kind == "call-method":
        owner = resolve(objects, frame, operation.receiver)
        info = objects.type_of(owner) if owner else None
        is_function = info is not None and info.name in ("module", "type")
        return (
            list(operation.arguments) if is_function else [operation.receiver, *operation.arguments]
        )
    if operation.kind == "call":
        return [operation.receiver, *operation.arguments]
    return (
        [operation.receiver, *operation.arguments]
        if operation.kind in BOTH_SIDES
        else [operation.receiver]
    )


BOTH_SIDES = ("store-attr", "binary-op", "compare", "extend")
"""Operations that look into their argument, too: a property's setter, say."""


def cell_content(objects: Objects, address: int) -> int | None:
    """What a cell holds; the object itself where the slot has no cell."""
    info = objects.type_of(address)
    if info is None or info.name != "cell":
        return address
    return objects.pointer("PyCellObject", address, "ob_ref") or None
