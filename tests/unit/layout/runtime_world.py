"""A runtime of one interpreter and two threads that is made by hand."""

from __future__ import annotations

from fakes import FakeMemory
from gdbext.cpython.layout.checks import check
from gdbext.cpython.layout.layout import Layout

RUNTIME, INTERPRETER, MAIN, WORKER, QSBR = 0x100000, 0x200000, 0x300000, 0x400000, 0x500000
SYSDICT, DICT, TYPE, OBJECT, NAMES = 0x600000, 0x610000, 0x620000, 0x630000, 0x640000
READY = 1 << 12
IMMORTAL = 0xFFFFFFFF


class World:
    """Memory as a Python of that layout has it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.memory = FakeMemory()
        for start, struct in (
            (RUNTIME, "_PyRuntimeState"),
            (INTERPRETER, "PyInterpreterState"),
            (MAIN, "_PyThreadStateImpl"),
            (WORKER, "_PyThreadStateImpl"),
            (QSBR, "_qsbr_thread_state"),
            (SYSDICT, "PyObject"),
            (DICT, "PyTypeObject"),
            (TYPE, "PyTypeObject"),
            (OBJECT, "PyTypeObject"),
        ):
            self.memory.map(start, layout.size(struct))
        self.memory.map(NAMES, 64)
        self.memory.write(NAMES, b"dict\0...type\0...object\0")
        self.put(
            "_PyRuntimeState",
            RUNTIME,
            {"interpreters.head": INTERPRETER, "interpreters.main": INTERPRETER},
        )
        self.put("PyInterpreterState", INTERPRETER, {"threads.head": WORKER, "sysdict": SYSDICT})
        self.put(
            "PyThreadState",
            WORKER,
            {"next": MAIN, "interp": INTERPRETER, "thread_id": 0x7F02, "native_thread_id": 12},
        )
        self.put(
            "PyThreadState",
            MAIN,
            {
                "prev": WORKER,
                "interp": INTERPRETER,
                "thread_id": 0x7F01,
                "native_thread_id": 11,
                "state": 1,
            },
        )
        self.put("_PyThreadStateImpl", MAIN, {"brc.tid": 0x7F01, "qsbr": QSBR})
        shared = INTERPRETER + layout.offset("PyInterpreterState", "qsbr")
        self.put("_qsbr_thread_state", QSBR, {"shared": shared, "tstate": MAIN})
        heaps, tld = (
            MAIN + layout.offset("_PyThreadStateImpl", f"mimalloc.{name}")
            for name in ("heaps", "tld")
        )
        for tag in range(4):
            self.put("mi_heap_t", heaps + tag * layout.size("mi_heap_t"), {"tld": tld, "tag": tag})
        self.put("PyObject", SYSDICT, {"ob_type": DICT})
        for address, name in ((DICT, NAMES), (TYPE, NAMES + 8), (OBJECT, NAMES + 16)):
            kind = {
                "ob_type": TYPE,
                "tp_name": name,
                "tp_flags": READY,
                "tp_base": OBJECT,
                "ob_ref_local": IMMORTAL,
            }
            self.put("PyTypeObject", address, kind)

    def put(self, struct: str, address: int, values: dict[str, int]) -> None:
        for name, value in values.items():
            field = self.layout.struct(struct).field(name)
            self.memory.write(address + field.offset, value.to_bytes(field.size, "little"))

    def failures(self) -> list[str]:
        return check(self.memory, self.layout, RUNTIME)
