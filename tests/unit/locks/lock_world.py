"""Threads, locks and waiters in fake memory, written the way CPython writes them.

>>> world = LockWorld()
>>> owner, other = world.thread("owner"), world.thread("other")
>>> lock = world.lock(locked=True)
>>> world.park(other, world.word_of(lock))
>>> world.locks().waiters(lock)[0].lwp == other.lwp
True
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame, FrameCode, PythonStack
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.interpreter.runtime import Interpreter, Runtime, ThreadState
from gdbext.cpython.locks.critical_sections import INACTIVE, TWO_MUTEXES
from gdbext.cpython.locks.locks import Locks
from gdbext.cpython.locks.parking_lot import BUCKETS
from gdbext.cpython.objects.types import IMMUTABLETYPE
from gdbext.target.protocol import NativeThread, Region, Symbol
from unit.objects.object_world import VERSIONS, World

RUNTIME, INTERPRETER, STATES, BUCKET_TABLE, CODE = (
    0x5500_0000_0000,
    0x5510_0000_0000,
    0x5520_0000_0000,
    0x5530_0000_0000,
    0x40_0000,
)
STACKS = 0x7F00_0000_0000
STACK = 1 << 16
FUTEX_WAIT = 0x189
MUTEX = 10
STATE_NUMBERS = {"detached": 0, "attached": 1, "suspended": 2}
FUTEX_CALL = CODE + 0x107
"""A program counter right behind ``mov $202,%eax; syscall``."""


@dataclass
class Thread:
    """A thread whose stack is filled from its top; ``registers`` are those of its
    innermost frame.
    """

    lwp: int
    name: str
    tstate: int
    top: int
    state: str
    ident: int
    """Where its descriptor is: at the top of its stack, but for the main thread."""
    sections: int = 0
    registers: dict[str, int] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)

    def room(self, size: int) -> int:
        """Room on its stack, below everything so far."""
        self.registers["rsp"] = (self.registers["rsp"] - size) & ~15
        return self.registers["rsp"]


def code_of(frame: Frame) -> FrameCode:
    """The frame's code, as far as its locks are concerned."""
    return FrameCode(
        frame.code,
        frame.function,
        frame.file,
        1,
        b"",
        0,
        0,
        {},
        frame.slot_names,
        len(frame.slots),
        0,
    )


class LockWorld(World):
    """Objects, and threads that lock and wait."""

    def __init__(self, version: str = "3.13.5") -> None:
        super().__init__(version)
        for base, struct in ((RUNTIME, "_PyRuntimeState"), (INTERPRETER, "PyInterpreterState")):
            self.memory.map(base, self.layout.size(struct))
        self.memory.map(STATES, 64 * self.layout.size("PyThreadState"))
        self.memory.map(BUCKET_TABLE, BUCKETS * self.layout.size("Bucket"))
        self.memory.map(CODE, 4096)
        self.memory.write(FUTEX_CALL - 7, b"\xb8\xca\0\0\0\x0f\x05")
        self.threads: list[Thread] = []
        self.has_symbols = True
        self.generators: dict[int, Frame] = {}
        """Frames of suspended generators, by where they lie."""
        self.variables: dict[int, str] = {}
        """Names of C variables, by address."""
        self.facts: dict[int, CodeFacts] = {}
        """What code objects do."""
        handles = RUNTIME + self.layout.offset("_PyRuntimeState", "threads.handles.next")
        self.set(
            "_PyRuntimeState",
            RUNTIME,
            threads__handles__next=handles,
            threads__handles__prev=handles,
        )
        for number in range(BUCKETS):
            root = self._root(number)
            self.set("Bucket", self._bucket(number), root__next=root, root__prev=root)
        for name, struct in (("_thread.lock", "lockobject"), ("_thread.RLock", "rlockobject")):
            self.types[name] = self._room("PyHeapTypeObject")
            self._builtin_type(name, struct, 0)
            flags = self.objects.field("PyTypeObject", self.types[name], "tp_flags")
            self.set("PyTypeObject", self.types[name], tp_flags=flags | IMMUTABLETYPE)

    # --- threads

    def thread(self, name: str, state: str = "detached", descriptor: int | None = None) -> Thread:
        number = len(self.threads)
        stack = STACKS + number * 16 * STACK
        self.memory.map(stack, STACK)
        tstate = STATES + number * self.layout.size("PyThreadState")
        self.set("PyThreadState", tstate, state=STATE_NUMBERS[state])
        top = stack + STACK - 1024
        made = Thread(100 + number, name, tstate, top, state, descriptor or top)
        made.registers["rsp"] = made.top - 512
        self.threads.append(made)
        return made

    def sleep(self, thread: Thread, futex: int, timeout: int = 0) -> None:
        """The thread is in the kernel, waiting on a futex."""
        thread.registers |= {"rip": FUTEX_CALL, "rdi": futex, "rsi": FUTEX_WAIT, "r10": timeout}

    def park(self, thread: Thread, address: int, timeout: int = 0, since: int = 0) -> int:
        """The thread waits in the parking lot; returns its entry."""
        entry, argument = thread.room(80), thread.room(16)
        number = address % BUCKETS
        bucket, root = self._bucket(number), self._root(number)
        node = entry + self.layout.offset("wait_entry", "node.next")
        last = self.objects.field("Bucket", bucket, "root.prev")
        self.set("mutex_entry", argument, time_to_be_fair=since + 1_000_000)
        self.set(
            "wait_entry", entry, park_arg=argument, addr=address, node__next=root, node__prev=last
        )
        self.memory.write_word(last, node)
        waiting = self.objects.field("Bucket", bucket, "num_waiters")
        self.set("Bucket", bucket, root__prev=node, num_waiters=waiting + 1)
        self.sleep(thread, entry + self.layout.offset("wait_entry", "sema"), timeout)
        return entry

    def section(
        self, thread: Thread, *mutexes: int, active: bool = True, two: bool | None = None
    ) -> int:
        """The thread enters a critical section; without mutexes it has not got them yet."""
        is_two = len(mutexes) == 2 if two is None else two
        address = thread.room(32)
        struct = "PyCriticalSection2" if is_two else "PyCriticalSection"
        names = ("_cs_mutex", "_cs_mutex2") if is_two else ("_cs_mutex",)
        self.set(struct, address, _cs_prev=thread.sections, **dict(zip(names, mutexes)))
        thread.sections = address | (0 if active else INACTIVE) | (TWO_MUTEXES if is_two else 0)
        return address

    def frame(
        self, thread: Thread, function: str = "run", /, held: Sequence[int] = (), **slots: int
    ) -> Frame:
        """A Python frame, inside of the thread's others, in ``with`` blocks of ``held``; ``slots``
        are its locals.
        """
        stack = [word for manager in held for word in self._exit_words(manager)]
        code = self.object("code", self.layout.size("PyCodeObject"))
        # One handler for instructions 2 to 31; the depth is what matters.
        table = bytes([0x80 | 2, 30, 40, len(stack) << 1]) if stack else b""
        self.set(
            "PyCodeObject",
            code,
            co_exceptiontable=self.put(table),
            co_nlocalsplus=len(slots),
            co_stacksize=len(stack) + 2,
        )
        first = self.layout.offset("_PyInterpreterFrame", "localsplus")
        address = self.allocate(first + 8 * (len(slots) + len(stack) + 2))
        self.memory.write(address + first, self.words(*slots.values(), *stack))
        made = Frame(address, code, function, "threads.py", 7, 10, 0, dict(slots), (), tuple(slots))
        thread.frames.insert(0, made)
        return made

    def generator(self, held: int) -> int:
        """A generator that is suspended inside ``with`` of a lock."""
        address = self.slotted("generator")
        nobody = Thread(0, "", 0, 0, "", 0)
        self.generators[address + self.layout.offset("PyGenObject", "gi_iframe")] = self.frame(
            nobody, "taking", held=[held]
        )
        return address

    def calls(self, frame: Frame, *steps: tuple[int, str, str]) -> None:
        """The frame's code calls methods: (instruction, method, local variable)."""
        done = [
            BytecodeOperation(
                index, "call-method", ("fast", frame.slot_names.index(local)), method, ()
            )
            for index, method, local in steps
        ]
        self.facts[frame.code] = CodeFacts(code_of(frame), done)

    def loop(self, frame: Frame, first: int, last: int) -> None:
        """The frame's code jumps back from the instruction ``last`` to ``first``."""
        self.facts[frame.code] = CodeFacts(code_of(frame), loops=[(first, last)])

    def top_of_stack(self, frame: Frame, value: int) -> None:
        """Put a value where the frame's stack has room, beyond what the exception table vouches
        for.
        """
        used = len(frame.slots) + self.objects.field("PyCodeObject", frame.code, "co_stacksize") - 2
        self.memory.write_word(
            frame.address + self.layout.offset("_PyInterpreterFrame", "localsplus") + 8 * used,
            value,
        )

    def _exit_words(self, manager: int) -> list[int]:
        """What ``with`` leaves on the stack: a bound ``__exit__`` up to 3.13, the method and its
        object from 3.14 on.
        """
        info = self.objects.type_of(manager)
        assert info is not None
        if not self.layout.has("_PyInterpreterFrame", "stackpointer"):
            if info.is_python_class:
                return [self.slotted("method", im_func=self._function(), im_self=manager)]
            definition = self.allocate(self.layout.size("PyMethodDef"))
            self.set("PyMethodDef", definition, ml_name=self.cstring("__exit__"))
            return [self.slotted("builtin_function_or_method", m_ml=definition, m_self=manager)]
        if info.is_python_class:
            return [self._function() | 1, manager]
        return [
            self.slotted("method_descriptor", "PyDescrObject", d_name=self.put("__exit__")) | 1,
            manager,
        ]

    def _function(self) -> int:
        return self.slotted("function", func_name=self.put("__exit__"))

    # --- locks

    def lock(self, locked: bool = False, parked: bool = False) -> int:
        return self.slotted("_thread.lock", "lockobject", lock=int(locked) | 2 * int(parked))

    def rlock(self, owner: int = 0, parked: bool = False) -> int:
        """An RLock, held by the thread with ident ``owner``."""
        if self.layout.has("rlockobject", "rlock_lock"):
            semaphore = self.allocate(32)
            return self.slotted(
                "_thread.RLock",
                "rlockobject",
                rlock_lock=semaphore,
                rlock_owner=owner,
                rlock_count=int(bool(owner)),
            )
        return self.slotted(
            "_thread.RLock",
            "rlockobject",
            lock__mutex=int(bool(owner)) | 2 * int(parked),
            lock__thread=owner,
        )

    def word_of(self, lock: int) -> int:
        """The address that waiters of a Lock or an RLock sleep on."""
        if self.layout.has("rlockobject", "rlock_lock") and self.is_rlock(lock):
            return self.objects.field("rlockobject", lock, "rlock_lock")
        return lock + self.layout.offset("lockobject", "lock")

    def is_rlock(self, lock: int) -> bool:
        info = self.objects.type_of(lock)
        return info is not None and info.name == "_thread.RLock"

    def wait_for(self, thread: Thread, lock: int, timeout: int = 0) -> None:
        """The thread waits for a Lock or an RLock, which is in its frame's hands."""
        if self.layout.has("rlockobject", "rlock_lock") and self.is_rlock(lock):
            self.top_of_stack(thread.frames[0], lock)
            self.sleep(thread, self.word_of(lock), timeout)
        else:
            self.park(thread, self.word_of(lock), timeout)

    def mutex(self, address: int, bits: int) -> int:
        """Set an object's mutex; returns where it is."""
        self.memory.write(address + MUTEX, bytes([bits]))
        return address + MUTEX

    def handle(self, thread: Thread) -> int:
        """The handle that others join the thread by; returns its event."""
        address = self.allocate(self.layout.size("ThreadHandle"))
        root = RUNTIME + self.layout.offset("_PyRuntimeState", "threads.handles.next")
        node = address + self.layout.offset("ThreadHandle", "node.next")
        self.set(
            "ThreadHandle",
            address,
            ident=thread.ident,
            node__next=self.objects.word(root),
            node__prev=root,
        )
        self.memory.write_word(root, node)
        return address + self.layout.offset("ThreadHandle", "thread_is_exiting")

    def stop_the_world(self, requester: Thread | None, stopped: bool, countdown: int = 0) -> int:
        """The interpreter's world is being stopped, or is; returns the state's address."""
        address = INTERPRETER + self.layout.offset("PyInterpreterState", "stoptheworld.mutex")
        self.set(
            "_stoptheworld_state",
            address,
            mutex=1,
            requested=1,
            world_stopped=int(stopped),
            thread_countdown=countdown,
            requester=requester.tstate if requester else 0,
        )
        return address

    # --- the answers

    def locks(self) -> Locks:
        states = tuple(
            ThreadState(
                t.tstate, INTERPRETER, t.ident, t.lwp, t.state, 0, t.sections, 0, None, i == 0
            )
            for i, t in enumerate(self.threads)
        )
        runtime = Runtime(RUNTIME, (Interpreter(INTERPRETER, 0, False, states),))
        by_lwp = {t.lwp: t for t in self.threads}
        return Locks(
            self.memory,
            self.layout,
            runtime,
            self.objects,
            [NativeThread(t.lwp, i + 1, t.name, t.ident) for i, t in enumerate(self.threads)],
            lambda name: self._symbol(name),
            lambda: [
                Region(start, start + len(data))
                for start, data in sorted(self.memory.segments.items())
            ],
            lambda lwp: by_lwp[lwp].registers,
            lambda lwp: PythonStack((tuple(by_lwp[lwp].frames),)),
            self.generators.get,
            self.facts.get,
            lambda lwp: by_lwp[lwp].name if lwp in by_lwp else None,
            self.variables.get,
        )

    def _symbol(self, name: str) -> Symbol | None:
        if name != "buckets" or not self.has_symbols:
            return None
        return Symbol(name, BUCKET_TABLE, BUCKETS * self.layout.size("Bucket"))

    def _bucket(self, number: int) -> int:
        return BUCKET_TABLE + number * self.layout.size("Bucket")

    def _root(self, number: int) -> int:
        return self._bucket(number) + self.layout.offset("Bucket", "root.next")


def at_line(frame: Frame, lasti: int) -> Frame:
    """The same frame at another instruction."""
    return dataclasses.replace(frame, lasti=lasti)


__all__ = [
    "BUCKET_TABLE",
    "FUTEX_CALL",
    "INTERPRETER",
    "MUTEX",
    "RUNTIME",
    "VERSIONS",
    "LockWorld",
    "Thread",
    "at_line",
]
