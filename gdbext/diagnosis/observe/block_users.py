"""Which threads have a pointer into a block right now, in the extensions' code that they are in:
who works on memory that was written over may have written it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from gdbext.cpython.allocator.heap import Heap
from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.facts.eval_loop import is_entry
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import BlockUser
from gdbext.diagnosis.observe.c_types import is_object_pointer
from gdbext.model import ThreadName
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault, NativeFrame

MAX_THREADS = 32
MAX_FRAMES = 24
MAX_USERS = 3
MAX_FIELDS = 4096
PRESERVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
"""The registers of a caller that its callees leave alone."""
GIVEN = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
"""Those of arguments: of a system call that the thread is in."""


def read_block_users(
    session: Session, stack: CrashStack, addresses: Sequence[int]
) -> tuple[BlockUser, ...]:
    """Who has the blocks that the addresses lie in, another thread than the crashed one first; one
    use of each thread.
    """
    blocks = [block for address in addresses if (block := _block(session.heap, address))]
    threads = sorted(session.debugger.threads(), key=lambda thread: thread.lwp == stack.lwp)
    found = (_of_thread(session, stack, t.lwp, blocks) for t in threads[:MAX_THREADS] if blocks)
    return tuple(user for user in found if user is not None)[:MAX_USERS]


def _block(heap: Heap, address: int) -> range | None:
    page = heap.page_of(address)
    if page is None:
        return None
    start = page.block(page.index(address))
    return range(start, start + page.block_size)


def _of_thread(
    session: Session, stack: CrashStack, lwp: int, blocks: Sequence[range]
) -> BlockUser | None:
    """The use of the first block, in the order given, that the thread has, by its innermost
    frame.
    """
    name = session.thread_name(lwp)
    uses = [
        (position, frame, variable, owner)
        for frame in _frames(session, stack, lwp)
        for variable, value, owner in _words(session, lwp, frame)
        for position, block in enumerate(blocks)
        if value in block
    ]
    if not uses:
        return None
    position, frame, variable, owner = min(uses, key=lambda use: (use[0], use[3] is not None))
    return BlockUser(
        lwp=lwp,
        name=ThreadName(name) if name else None,
        block=blocks[position].start,
        level=frame.level,
        function=frame.function or os.path.basename(frame.module or ""),
        variable=variable,
        owner=owner,
    )


def _frames(session: Session, stack: CrashStack, lwp: int) -> Iterator[NativeFrame]:
    """The extensions' functions within the thread's innermost Python frame."""
    for frame in session.debugger.frames(lwp, MAX_FRAMES):
        if is_entry(frame):
            return
        if is_others(frame.module, stack.interpreter_module):
            yield frame


def _words(session: Session, lwp: int, frame: NativeFrame) -> Iterator[tuple[str, int, str | None]]:
    """(variable or register, value, type of the object whose field the value is) of a frame."""
    variables = session.debugger.variables(lwp, frame.level)
    for variable in variables:
        if variable.value is None or variable.is_address:
            continue
        yield variable.name, variable.value, None
        if is_object_pointer(variable.type, session.layout):
            kind, fields = _fields(session, variable.value)
            for value in fields:
                yield variable.name, value, kind
    if not variables and not frame.is_inlined:
        registers = session.debugger.registers(lwp, frame.level)
        for name in (*PRESERVED, *GIVEN):
            if name in registers and (frame.level == 0 or name in PRESERVED):
                yield name, registers[name], None


def _fields(session: Session, address: int) -> tuple[str, Sequence[int]]:
    """The words of an object's own struct behind its header."""
    info = session.objects.type_of(address)
    if info is None:
        return "", ()
    try:
        header = session.layout.size("PyObject")
        size = min(info.basicsize or 0, MAX_FIELDS) & ~7
        words = session.memory.read(address + header, max(size - header, 0))
        return info.name, memoryview(words).cast("Q")
    except MemoryFault:
        return "", ()
