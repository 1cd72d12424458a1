"""Crashes over fake memory: what a rule looks at, with real verdicts on the objects of a
:class:`HeapWorld`.

>>> world = HeapWorld()
>>> stopped = facts_of(world, world.page(GC, 64).object("list"))
>>> stopped.cause.pointer.verdict
<Verdict.LIVE: 'live'>
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fakes import FakeDebugger
from gdbext.cpython.layout.choice import Choice
from gdbext.cpython.layout.layout import Source
from gdbext.diagnosis.conclude.root_cause import root_cause
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault, FaultOperand
from gdbext.diagnosis.facts.frames import CFrame, CrashStack
from gdbext.diagnosis.facts.pointers import Candidates, Use
from gdbext.diagnosis.facts.provenance import Holders, Provenance
from gdbext.diagnosis.observe.heap_state import read_heap_state
from gdbext.diagnosis.observe.notes import ignore
from gdbext.diagnosis.observe.pointers import read_pointers
from gdbext.diagnosis.observe.process import read_named_object, read_process
from gdbext.diagnosis.observe.stack import Functions
from gdbext.diagnosis.observe.surroundings import read_field_holder, read_surroundings
from gdbext.model import Claim
from gdbext.session import Session
from gdbext.target.protocol import NativeFrame, NativeThread, Signal
from unit.heap.heap_world import GC, MEM, OBJECT, FakePage, HeapWorld

EXTENSION, PYTHON, STANDARD = (
    "/site/shapes.so",
    "/usr/bin/python3",
    "/lib-dynload/_struct.cpython-313t-x86_64-linux-gnu.so",
)
LWP = 100
TAKEN = Use(
    level=0,
    function="area",
    name="shape",
    expected="dict",
    because=Claim("declared-as", type="PyDictObject *"),
    is_argument=True,
    is_innermost=True,
)
SELF = Use(
    level=0,
    function="shape_repr",
    name="self",
    expected="types.UnionType",
    because=Claim("function-of-type", function="tp_repr", type="types.UnionType"),
    is_argument=True,
    is_self=True,
)
ABORT = Signal("SIGABRT", 7, 6, "SI_TKILL")


def segfault(base: int, displacement: int = 0, *, reads_header: bool = False) -> Fault:
    """A read through a pointer."""
    operand = FaultOperand(
        text=f"{displacement:#x}(%rax)",
        base="rax",
        base_value=base,
        displacement=displacement,
        address=base + displacement,
        is_write=False,
    )
    signal = Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", operand.address)
    field = "ob_type" if reads_header else None
    return Fault(signal=signal, instruction="mov", operand=operand, header_field=field)


def session_of(world: HeapWorld) -> Session:
    """A session of which all that reads Python's data is the world's."""
    debugger = FakeDebugger()
    debugger.segments = world.memory.segments
    debugger.thread_list = [
        NativeThread(thread.native_thread_id, number) for number, thread in enumerate(world.threads)
    ]
    session = Session(debugger)
    session.heap = world.heap()
    session.objects = session.heap.records.objects
    session.runtime = world.runtime
    session.layout_choice = Choice(layout=world.layout, source=Source.TABLE)
    return session


def stack_of(
    *frames: NativeFrame, c_frames: Sequence[CFrame] | None = None, lwp: int | None = LWP
) -> CrashStack:
    """A stack of these frames; what is not said of one's variables is not known."""
    known = [CFrame(frame) for frame in frames] if c_frames is None else c_frames
    return CrashStack(
        lwp=lwp, native_frames=frames, c_frames=tuple(known), interpreter_module=PYTHON
    )


def facts_of(
    world: HeapWorld,
    *addresses: int,
    use: Use = TAKEN,
    module: str = EXTENSION,
    fault: Fault | None = None,
    stack: CrashStack | None = None,
    provenance: Provenance | None = None,
    holders: Holders | None = None,
    ended_again: Sequence[int] = (),
    initialised_by_another: bool = False,
) -> Facts:
    """A crash in a function that works on the addresses, the first of which is the root."""
    session = session_of(world)
    fault = fault or segfault(0x1230)
    if stack is None:
        stack = stack_of(NativeFrame(use.level, 0x1000, 0x7000, use.function, module=module))
    objects, heap = session.objects, session.heap
    uses = dict.fromkeys(addresses, (use,))
    pointers = [
        replace(pointer, ended_again=pointer.address in ended_again)
        for pointer in read_pointers(uses, Candidates(), fault, objects, heap)
    ]
    root = pointers[0] if pointers else None
    holder = None
    if provenance is not None and not provenance.is_container:
        holder = read_field_holder(session, provenance, initialised_by_another)
    surroundings = read_surroundings(session, stack, root) if root else None
    cause = root_cause(root, stack, provenance, surroundings, holders, holder)
    about = fault.fatal_object
    return Facts(
        fault=fault,
        stack=stack,
        process=read_process(session),
        pointers=tuple(pointers),
        cause=cause,
        fatal_object=read_named_object(session, about) if about else None,
        heap=read_heap_state(session, Functions(session), fault, stack, cause, ignore),
    )


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
    "facts_of",
    "segfault",
    "session_of",
    "stack_of",
]
