"""Cases over fake memory: what a rule asks of a crash, with real verdicts on the objects of a :class:`HeapWorld`.

>>> world = HeapWorld()
>>> stopped = case_of(world, world.page(GC, 64).object("list"))
>>> stopped.root.liveness.verdict
<Verdict.LIVE: 'live'>
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "heap"))

from heap_world import GC, MEM, OBJECT, FakePage, HeapWorld

from gdbext.diagnosis.fault import Fault, Operand
from gdbext.diagnosis.suspects import Use, judge
from gdbext.target.protocol import NativeFrame, Signal

EXTENSION, PYTHON, STANDARD = (
    "/site/shapes.so",
    "/usr/bin/python3",
    "/lib-dynload/_struct.cpython-313t-x86_64-linux-gnu.so",
)
TAKEN = Use(0, "area", "shape", "dict", "PyDictObject *", True, is_innermost=True)
SELF = Use(
    0, "shape_repr", "self", "types.UnionType", "tp_repr of types.UnionType", True, is_self=True
)
ABORT = Signal("SIGABRT", 7, 6, "SI_TKILL")


def segfault(base: int, displacement: int = 0) -> Fault:
    """A read through a pointer."""
    operand = Operand(
        f"{displacement:#x}(%rax)", "rax", base, displacement, base + displacement, False
    )
    return Fault(Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", operand.address), "mov", operand)


def case_of(
    world: HeapWorld, *addresses: int, use: Use = TAKEN, module: str = EXTENSION, **parts: Any
) -> Any:
    """A crash in a function that works on the addresses, the first of which is the root; ``parts`` replace what is known of it."""
    heap = world.heap()
    objects = heap.records.objects
    session = SimpleNamespace(
        runtime=world.runtime,
        heap=heap,
        objects=objects,
        layout=world.layout,
        memory=world.memory,
        debugger=SimpleNamespace(symbol_at=lambda address: None),
    )
    suspects = judge({address: [use] for address in addresses}, objects, heap)
    known = {
        "session": session,
        "suspects": suspects,
        "root": suspects[0] if suspects else None,
        "origin": None,
        "fault": segfault(0x1230),
        "native_frames": [NativeFrame(use.level, 0x1000, 0x7000, use.function, module=module)],
        "c_frames": [],
        "interpreter_module": PYTHON,
        "lwp": 100,
        "operation_at": lambda level: use.function,
        "same_call": lambda level, other: True,
        "thread_name": lambda lwp: None,
        "died_of": lambda suspect: True,
    }
    return SimpleNamespace(**{**known, **parts})


__all__ = [
    "ABORT",
    "EXTENSION",
    "GC",
    "MEM",
    "OBJECT",
    "PYTHON",
    "SELF",
    "STANDARD",
    "TAKEN",
    "FakePage",
    "HeapWorld",
    "case_of",
    "segfault",
]
