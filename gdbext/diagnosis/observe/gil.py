"""Reads the GIL of a free-threaded build: whether it is on, who has it, and which modules want it.

An import turns it on where a module does not say that it can do without (CPython's Python/import.c,
``_PyImport_CheckGILEnabled``): a module's ``md_gil`` is ``Py_MOD_GIL_NOT_USED`` then
(Include/moduleobject.h), and stays 0 in one that is initialised in a single phase.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.diagnosis.facts.threads import Gil
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault

MOST_MODULES = 20_000
MOST_NAMED = 4


def read_gil(session: Session) -> Gil | None:
    """The first interpreter's GIL; None where it is off, or the build has no switch for it."""
    interpreter = next(iter(session.runtime.interpreters), None)
    if interpreter is None or not interpreter.gil_enabled or not session.offsets.free_threaded:
        return None
    try:
        layout = session.layout
        address = interpreter.address + layout.offset("PyInterpreterState", "_gil")
        record = layout.record(session.memory, "_gil_runtime_state", address)
        holder = record["last_holder"] if record["locked"] == 1 else None
        lwp = next(
            (t.native_thread_id for t in session.runtime.threads if t.address == holder), None
        )
        names = tuple(_wanting(session, interpreter.address))[:MOST_NAMED]
        return Gil(address=record.address_of("enabled"), holder=lwp, modules=names)
    except (MemoryFault, UnknownLayout):
        return Gil(address=0)


def _wanting(session: Session, interpreter: int) -> Iterator[str]:
    """The extension modules of ``sys.modules`` that have not said that they do without the GIL."""
    objects = session.objects
    modules = objects.field("PyInterpreterState", interpreter, "imports.modules")
    for _, module in objects.dict_items(modules)[:MOST_MODULES]:
        info = objects.type_of(module)
        if info is None or not objects.is_a(info, "module"):
            continue
        definition, wants, name = objects.fields(
            "PyModuleObject", module, "md_def", "md_gil", "md_name"
        )
        text = objects.text(name) if definition and not wants and name else None
        if text:
            yield text
