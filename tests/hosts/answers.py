"""What an adapter says of a target, aspect by aspect, as plain data.

Each runs inside a debugger.
"""

from __future__ import annotations

import os
from typing import Any

from gdbext.target.protocol import Debugger, DebuggerError, MemoryFault
from hosts import starting

STRUCTS = (
    "PyObject PyVarObject PyListObject PyTupleObject PyDictObject PyDictKeysObject PyUnicodeObject "
    "PyASCIIObject PyLongObject PyFloatObject PyBytesObject PyTypeObject PyHeapTypeObject "
    "PyFunctionObject PyCFunctionObject PyMethodObject PyModuleObject PyCodeObject PyCellObject "
    "PySetObject PyWeakReference PyBaseExceptionObject _PyInterpreterFrame PyThreadState "
    "_PyThreadStateImpl PyInterpreterState _PyRuntimeState _gil_runtime_state _PyListArray "
    "unionobject gaobject classmethod mi_page_t mi_segment_t mi_heap_t Bucket wait_entry "
    "no_such_struct"
)
SYMBOLS = (
    "_PyRuntime PyList_Type _PyUnion_Type union_repr list_repr buckets mi_arenas _mi_heap_empty "
    "__abort_msg no_such_symbol"
)
EXPRESSIONS = (
    "0x10",
    "-1",
    "0x10 + 8",
    "$pc",
    "$rsp + 8",
    "_PyRuntime",
    "&_PyRuntime",
    "&PyList_Type",
    "PyList_Type.tp_name",
    "&_PyRuntime.interpreters.head",
    "(PyObject *)0x10",
    "*(long *)&PyList_Type",
    "union_repr",
    "sizeof(PyListObject)",
)
MISTAKES = (
    "",
    "no_such_name",
    "PyList_Size(0)",
    "_PyRuntime.no_such_member",
    "*(long *)8",
    "(",
    "$pc = 0",
    "0x1" + "0" * 20,
)


def everything(debugger: Debugger) -> dict[str, Any]:
    """All aspects of a core."""
    debugger_threads = debugger.threads()
    stacks = {str(t.lwp): debugger.frames(t.lwp) for t in debugger_threads}
    return {
        "version": debugger.version,
        "target": [debugger.kind, debugger.path, debugger.pid, debugger.executable],
        "threads": debugger_threads,
        "frames": stacks,
        "variables": {
            lwp: [debugger.variables(int(lwp), f.level) for f in frames]
            for lwp, frames in stacks.items()
        },
        "registers": {
            lwp: [debugger.registers(int(lwp), f.level) for f in frames]
            for lwp, frames in stacks.items()
        },
        "signal": debugger.signal(),
        "modules": debugger.modules(),
        "regions": debugger.regions(),
        "mapped_files": debugger.mapped_files(),
        "build_ids": [debugger.file_build_id(each.path) for each in debugger.modules()],
        "memory": memory(debugger),
        "structs": {name: debugger.struct(name) for name in STRUCTS.split()},
        "symbols": {name: debugger.symbol(name) for name in SYMBOLS.split()},
        "static": [
            debugger.symbol("module_methods", file)
            for file in ("Modules/posixmodule.c", "Modules/errnomodule.c", "nowhere.c")
        ],
        "places": {
            lwp: [debugger.symbol_at(f.pc) for f in frames] for lwp, frames in stacks.items()
        },
        "source": {
            lwp: [debugger.source(f.file, f.line) for f in frames if f.file and f.line]
            for lwp, frames in stacks.items()
        },
        "values": {text: evaluate(debugger, text) for text in EXPRESSIONS},
        "mistakes": {text: evaluate(debugger, text) for text in MISTAKES},
        "selected": debugger.selected(),
        "same_stop": debugger.generation() == debugger.generation(),
    }


def memory(debugger: Debugger) -> list[str]:
    """The first and last words of each mapping, or that they cannot be read; then addresses that no
    process has.
    """
    places = [place for region in debugger.regions() for place in (region.start, region.end - 32)]
    found = []
    for place in [*places, 0, 8, 1 << 47, 1 << 63, (1 << 64) - 16, -1]:
        try:
            found.append(debugger.read(place, 32).hex())
        except MemoryFault as fault:
            found.append(f"fault of {fault.size} bytes")
    return found


def evaluate(debugger: Debugger, expression: str) -> Any:
    try:
        return debugger.evaluate(expression)
    except DebuggerError as error:
        return f"error: {error}"


def live(debugger: Debugger) -> dict[str, Any]:
    """A process that runs: what is known of it, and that looking has changed nothing."""
    before = _traces(debugger.pid)
    threads = debugger.threads()
    found: dict[str, Any] = {
        "kind": debugger.kind,
        "path": debugger.path,
        "pid": debugger.pid,
        "executable": debugger.executable,
        "threads": threads,
        "functions": {str(t.lwp): [f.function for f in debugger.frames(t.lwp)] for t in threads},
        "signal": debugger.signal(),
        "values": {
            text: evaluate(debugger, text)
            for text in ("&_PyRuntime", "$pc", "sizeof(PyListObject)", "PyList_Size(0)")
        },
        "regions": len(debugger.regions()),
        "modules": debugger.modules(),
        "layout": debugger.struct("PyListObject"),
    }
    found["changed"] = [
        name for name, value in _traces(debugger.pid).items() if before[name] != value
    ]
    return found


def _traces(pid: int | None) -> dict[str, str]:
    """What a process would show of memory being mapped in it, or of code being run: a thread that
    runs is switched to and from.
    """
    with open(f"/proc/{pid}/maps") as maps:
        found = {"maps": maps.read()}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as status:
            found[task] = "".join(line for line in status if "ctxt_switches" in line)
    return found


def crash(debugger: Debugger) -> dict[str, Any]:
    """A process that the debugger has run until it died."""
    died = debugger.signal()
    assert died is not None
    return {
        "kind": debugger.kind,
        "signal": died,
        "functions": [f.function for f in debugger.frames(died.lwp)],
        "generation": debugger.generation(),
    }


def moves(debugger: Debugger) -> dict[str, Any]:
    """What is kept of one stop, and what of the next, one instruction later."""
    lwp, _ = debugger.selected()
    before = debugger.generation(), debugger.frames(lwp)[0].pc
    everything_again = debugger.generation(), debugger.frames(lwp)[0].pc
    starting.step(debugger.version.split()[0])
    return {
        "before": before,
        "again": everything_again,
        "after": (debugger.generation(), debugger.frames(lwp)[0].pc),
    }


def nothing(debugger: Debugger) -> str:
    """What the adapter says where there is no target."""
    try:
        return debugger.kind
    except DebuggerError as error:
        return str(error)


def kernel_symbols(debugger: Debugger) -> list[str]:
    """The names of the functions that the kernel maps into every process (its vDSO)."""
    named = set()
    for region in debugger.regions():
        if (
            region.path in (None, "[vdso]")
            and not region.writable
            and debugger.read(region.start, 4) == b"\x7fELF"
        ):
            symbols = (
                debugger.symbol_at(address) for address in range(region.start, region.end, 16)
            )
            named |= {symbol.name for symbol in symbols if symbol is not None}
    return sorted(named)
