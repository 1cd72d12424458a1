"""Which pytest test each thread was running.

``pytest --gdbext`` keeps that for every thread in a dict (``gdbext/pytest_plugin.py``).  Without it
there is what pytest itself writes to ``os.environ`` while a test runs, PYTEST_CURRENT_TEST: the
test of the main thread.
"""

from __future__ import annotations

from gdbext.cpython.interpreter.runtime import Interpreter, Runtime
from gdbext.cpython.interpreter.thread_names import module_global
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.decoded import Bytes
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.strings import read_str
from gdbext.target.protocol import Memory, MemoryFault

PLUGIN, TABLE = "gdbext.pytest_plugin", "RUNNING"
VARIABLE = b"PYTEST_CURRENT_TEST"
LONGEST = 1000
MOST_THREADS = 10_000


def running_tests(
    memory: Memory, layout: Layout, objects: Objects, runtime: Runtime
) -> dict[int, str]:
    """``thread_id`` (the thread pointer) → test, as ``tests/test_x.py::test_y (call)``; empty where
    no test runs.
    """
    found: dict[int, str] = {}
    for interpreter in runtime.interpreters:
        try:
            place = interpreter.address + layout.offset("PyInterpreterState", "imports.modules")
            modules = int.from_bytes(memory.read(place, 8), "little")
            table = module_global(memory, layout, objects, modules, PLUGIN, TABLE)
            if table is not None:
                found.update(_from_plugin(memory, layout, objects, table))
            else:
                found.update(_from_environment(memory, layout, objects, modules, interpreter))
        except (MemoryFault, UnknownLayout):
            continue
    return found


def _from_plugin(memory: Memory, layout: Layout, objects: Objects, table: int) -> dict[int, str]:
    found = {}
    for key, value in objects.dict_items(table)[:MOST_THREADS]:
        ident, test = objects.int_value(key), read_str(memory, layout, value, LONGEST)
        if ident is not None and test:
            found[ident] = test
    return found


def _from_environment(
    memory: Memory, layout: Layout, objects: Objects, modules: int, interpreter: Interpreter
) -> dict[int, str]:
    environ = module_global(memory, layout, objects, modules, "os", "environ")
    data = objects.attribute(environ, "_data") if environ is not None else None
    if data is None or not interpreter.threads:
        return {}
    for key, value in objects.dict_items(data)[:MOST_THREADS]:
        name = objects.decode(key)
        if isinstance(name, Bytes) and name.data == VARIABLE:
            test = objects.decode(value)
            if isinstance(test, Bytes):
                return {interpreter.threads[0].thread_id: test.data.decode(errors="replace")}
    return {}
