"""What the answers are made from: the parts of one stopped process that this package looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.interpreter.runtime import Runtime, ThreadState
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.objects import Objects
from gdbext.frozen import dataclass
from gdbext.model import Claim, ThreadName
from gdbext.target.protocol import Memory, NativeThread, Region, Symbol


@dataclass(frozen=True)
class Sources:
    """``registers``, ``python_stack`` and ``thread_name`` take an LWP, ``frame_at`` a frame's
    address, ``code_facts`` a code object's; ``variable_at`` names the C variable at an address.

    What they cannot tell they leave out.
    """

    memory: Memory
    layout: Layout
    runtime: Runtime
    objects: Objects
    threads: Sequence[NativeThread]
    symbol: Callable[[str], Symbol | None]
    regions: Callable[[], Sequence[Region]]
    registers: Callable[[int], Mapping[str, int]]
    python_stack: Callable[[int], PythonStack]
    frame_at: Callable[[int], Frame | None]
    code_facts: Callable[[int], CodeFacts | None]
    thread_name: Callable[[int], str | None]
    variable_at: Callable[[int], str | None]

    def operations(self, code: int) -> Sequence[BytecodeOperation]:
        """What the code object does, operation by operation; nothing where it cannot be read."""
        facts = self.code_facts(code)
        return facts.operations if facts else ()

    def lwp_of_ident(self, ident: int) -> int | None:
        """The LWP of the thread that Python calls by ``ident`` (its thread pointer); None if it has
        exited.
        """
        found = next((t.lwp for t in self.threads if t.fs_base == ident), None)
        if found is not None:
            return found
        thread = self.runtime.by_tid(ident)
        return (
            thread.native_thread_id
            if thread and any(t.lwp == thread.native_thread_id for t in self.threads)
            else None
        )

    def lwp_of_state(self, tstate: int) -> int | None:
        """The LWP of the thread with the thread state at that address."""
        return next((t.native_thread_id for t in self.runtime.threads if t.address == tstate), None)

    def thread_claim(self, lwp: int | None, again: bool = False) -> Claim:
        """A thread as an argument of claims.

        ``again``, where its LWP has been said already: then its name is enough, if no other thread
        has it.
        """
        name = self.thread_name(lwp) if lwp is not None else None
        if lwp is None or not name:
            return Claim("thread", lwp=lwp, name=None, in_short=False)
        is_unique = [self.thread_name(t.lwp) for t in self.threads].count(name) == 1
        return Claim("thread", lwp=lwp, name=ThreadName(name), in_short=again and is_unique)

    def state_of(self, lwp: int) -> ThreadState | None:
        """The thread state of an operating system's thread; None if it has none."""
        return self.runtime.by_lwp(lwp)
