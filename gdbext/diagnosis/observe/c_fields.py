"""The names of fields of an object's C struct, as the crashed code declares it (DWARF)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdbext.cpython.objects.objects import Objects
from gdbext.diagnosis.conclude.c_types import pointed_struct
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.observe.c_types import HEADERS
from gdbext.session import Session
from gdbext.target.protocol import Struct

MAX_BASES = 16


def field_at(session: Session, stack: CrashStack, address: int, offset: int) -> str | None:
    """What the C struct of the object there calls its field at an offset: ``extra``,
    ``queue.head``; None where no variable of the crashed code has the object as its own struct.

    Another file may have a struct of the name: one that has not the size of the type's instances is
    not believed.
    """
    for name in _declared(stack, address):
        # Not by way of the layout: that remembers structs by name, for all files.
        found = session.debugger.struct(name)
        if found is not None and found.size in _sizes(session.objects, address):
            return _innermost(found, offset)
    return None


def _declared(stack: CrashStack, address: int) -> Sequence[str]:
    variables = (v for f in stack.c_frames for v in f.variables if v.value == address)
    names = (pointed_struct(variable.type) for variable in variables)
    return tuple(dict.fromkeys(name for name in names if name and name not in HEADERS))


def _sizes(objects: Objects, address: int) -> Iterator[int | None]:
    """Bytes of an instance of the object's type, and of those of its base types."""
    info = objects.type_of(address)
    for _ in range(MAX_BASES):
        if info is None:
            return
        yield info.basicsize
        info = objects.type_info(info.base) if info.base else None


def _innermost(struct: Struct, offset: int) -> str | None:
    """The member of no other members that begins there."""
    names = [name for name, field in struct.fields.items() if field.offset == offset]
    return next((n for n in names if not any(m.startswith(f"{n}.") for m in names)), None)
