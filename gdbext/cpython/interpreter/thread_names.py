"""Threads' names as Python knows them: ``threading._active`` maps idents (the thread pointers) to
Thread objects.
"""

from __future__ import annotations

from gdbext.cpython.interpreter.runtime import Runtime
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.decoded import Int
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.strings import read_str
from gdbext.target.protocol import Memory, MemoryFault


def thread_names(
    memory: Memory, layout: Layout, objects: Objects, runtime: Runtime
) -> dict[int, str]:
    """``thread_id`` (fs_base) → name, of all threads that the threading module knows, in every
    interpreter.
    """
    names: dict[int, str] = {}
    for interpreter in runtime.interpreters:
        try:
            modules = int.from_bytes(
                memory.read(
                    interpreter.address + layout.offset("PyInterpreterState", "imports.modules"), 8
                ),
                "little",
            )
            active = module_global(memory, layout, objects, modules, "threading", "_active")
        except (MemoryFault, UnknownLayout):
            continue
        if active is None:
            continue
        known = {t.thread_id for t in interpreter.threads}
        for _, thread in objects.dict_items(active):
            ident = objects.attribute(thread, "_ident")
            name = objects.attribute(thread, "_name")
            if ident is None or name is None:
                continue
            number = objects.decode(ident)
            value = number.value if isinstance(number, Int) else None
            text = read_str(memory, layout, name, 100)
            if value is not None and value in known and text is not None:
                names[value] = text
    return names


def module_global(
    memory: Memory, layout: Layout, objects: Objects, modules: int, module: str, name: str
) -> int | None:
    """The address of a module's global, looked up through ``sys.modules``; None if
    there is none.
    """
    found = objects.dict_get_str(modules, module)
    if found is None:
        return None
    namespace = int.from_bytes(
        memory.read(found + layout.offset("PyModuleObject", "md_dict"), 8), "little"
    )
    return objects.dict_get_str(namespace, name)
