"""From the name by which bytecode reached an object to the object, in a frame that still has that name."""

from __future__ import annotations

from gdbext.debuggers.base import MemoryFault
from gdbext.interpreter.frames import Frame
from gdbext.interpreter.operations import Name, Operation
from gdbext.layout.layout import UnknownLayout
from gdbext.objects.objects import Objects

MAX_DEPTH = 6


def resolve(objects: Objects, frame: Frame, name: Name | None, depth: int = 0) -> int | None:
    """The address of the object that ``name`` means in ``frame`` now; None where it is not known, or is not bound.

    A local may have been bound again since the operation ran: what is found is what the name means now.
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
        found = frame.slots.get(frame.slot_names[name[1]]) if 0 <= name[1] < len(frame.slot_names) else None
        return cell_content(objects, found) if found and kind == "deref" else found
    if kind in ("global", "name"):
        if kind == "name" and (local := frame.slots.get(name[1])):
            return local
        # In damaged code objects names may be missing.
        return objects.dict_get_str(frame.globals, name[1]) if frame.globals and name[1] else None
    if kind == "attr":
        owner = resolve(objects, frame, name[1], depth + 1)
        return attribute(objects, owner, name[2]) if owner and name[2] else None
    if kind == "iter":
        # An iterator is an object of its own, on the value stack; what it walks is what is being worked on.
        return resolve(objects, frame, name[1], depth + 1)
    return None


def attribute(objects: Objects, owner: int, name: str) -> int | None:
    """An attribute of an instance, or a global of a module."""
    info = objects.type_of(owner)
    if info is not None and info.name == "module":
        namespace = objects.pointer("PyModuleObject", owner, "md_dict")
        return objects.dict_get_str(namespace, name) if namespace else None
    return objects.attribute(owner, name)


def subjects(objects: Objects, frame: Frame, operation: Operation) -> list[Name | None]:
    """The names of the objects that an operation works on: a method's receiver and arguments; of a function its arguments."""
    if operation.kind == "call-method":
        owner = resolve(objects, frame, operation.receiver)
        info = objects.type_of(owner) if owner else None
        is_function = info is not None and info.name in ("module", "type")
        return list(operation.arguments) if is_function else [operation.receiver, *operation.arguments]
    if operation.kind == "call":
        return [operation.receiver, *operation.arguments]
    return [operation.receiver]


def cell_content(objects: Objects, address: int) -> int | None:
    """What a cell holds; the object itself where the slot has no cell."""
    info = objects.type_of(address)
    if info is None or info.name != "cell":
        return address
    return objects.pointer("PyCellObject", address, "ob_ref") or None
