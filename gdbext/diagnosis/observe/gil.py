"""Reads the GIL of a free-threaded build: whether it is on, who has it, and what turned it on.

An import turns it on for as long as it takes, and for good where the module does not say that it
can do without (CPython's Python/import.c, ``_PyImport_CheckGILEnabled``, and Python/ceval_gil.c): a
module's ``md_gil`` is ``Py_MOD_GIL_NOT_USED`` then (Include/moduleobject.h), and stays 0 in one
that is initialised in a single phase; in 3.15 ``md_requires_gil`` says it.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.diagnosis.facts.threads import Gil, GilSwitch
from gdbext.diagnosis.observe.type_members import members
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault

MOST_MODULES = 20_000
FOR_GOOD = 0x7FFFFFFF
"""INT_MAX: lower numbers count the imports that have yet to end."""


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
        return Gil(
            address=record.address_of("enabled"),
            holder=lwp,
            modules=tuple(_wanting(session, interpreter.address)),
            switch=_switch(session, interpreter.address, record["enabled"]),
        )
    except (MemoryFault, UnknownLayout):
        return Gil(address=0)


def _switch(session: Session, interpreter: int, enabled: int) -> GilSwitch | None:
    """What turned it on: ``sys.flags.gil`` is None unless the user has chosen
    (Python/sysmodule.c).
    """
    if enabled != FOR_GOOD:
        return GilSwitch.IMPORT
    objects = session.objects
    namespace = objects.field("PyInterpreterState", interpreter, "sysdict")
    flags = objects.dict_get_str(namespace, "flags") if namespace else None
    info = objects.type_of(flags) if flags else None
    if flags is None or info is None:
        return None
    place = next((flags + o for name, o in members(objects, info.address) if name == "gil"), None)
    if place is None:
        return None
    chosen = int.from_bytes(session.memory.read(place, 8), "little")
    return GilSwitch.MODULE if objects.int_value(chosen) is None else GilSwitch.USER


def _wanting(session: Session, interpreter: int) -> Iterator[str]:
    """The extension modules of ``sys.modules`` that have not said that they do without the GIL, in
    the order of their imports.
    """
    objects = session.objects
    fields = ("md_def", "md_gil")
    if session.layout.has("PyModuleObject", "md_requires_gil"):
        fields = ("md_token", "md_requires_gil")
    modules = objects.field("PyInterpreterState", interpreter, "imports.modules")
    for _, module in objects.dict_items(modules)[:MOST_MODULES]:
        info = objects.type_of(module)
        if info is None or not objects.is_a(info, "module"):
            continue
        definition, gil, name = objects.fields("PyModuleObject", module, *fields, "md_name")
        wants = bool(gil) == (fields[1] == "md_requires_gil")
        text = objects.text(name) if definition and wants and name else None
        if text:
            yield text
