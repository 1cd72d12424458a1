"""Who holds a lock: what memory records of it, and what it implies.

Recorded: a thread's active critical sections, an RLock's owner, a module lock's owner, the
requester of a stopped world. Implied: a ``threading.Lock`` has no owner, but a thread inside ``with
lock:`` took it; anybody may have released it since. Guessed: a function that has ``lock.acquire()``
before the line that its thread is at, and no ``lock.release()`` in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import resolve
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.locks import mutex, stop_the_world
from gdbext.cpython.locks.critical_sections import CriticalSection, read_sections
from gdbext.cpython.locks.graph import Hold
from gdbext.cpython.locks.lock_places import Lock, LockKind, LockNames
from gdbext.cpython.locks.python_locks import PythonLock, read_lock, read_module_lock
from gdbext.cpython.locks.sources import Sources
from gdbext.cpython.locks.stop_the_world import StopTheWorld
from gdbext.cpython.locks.with_blocks import WithBlocks
from gdbext.frozen import dataclass
from gdbext.model import Address, Claim, Confidence, Evidence
from gdbext.target.protocol import MemoryFault

CONDITION_WAIT = "Condition.wait"
MAX_PARTS = 64
MAX_FRAMES = 32
KINDS = {
    "threading.Lock": LockKind.LOCK,
    "threading.RLock": LockKind.RLOCK,
    "import lock": LockKind.IMPORT,
}
# struct __pthread_mutex_s: lock, count, owner.
PTHREAD_OWNER = 8
TAKES = ("acquire", "__enter__")


@dataclass(frozen=True)
class Taken:
    """A lock that a thread took in a frame's code.

    ``place`` is the word of the value stack that shows it.
    """

    lwp: int
    lock: PythonLock
    frame: Frame
    how: str
    confidence: Confidence
    claim: Claim
    place: int | None = None


class LockHolders:
    """Finds holders; the threads' sections and ``with`` blocks are read once."""

    def __init__(self, sources: Sources, places: LockNames, blocks: WithBlocks) -> None:
        self._sources = sources
        self._places = places
        self._blocks = blocks
        self._known: dict[Lock, tuple[Hold, ...]] = {}

    def of(self, lock: Lock) -> tuple[Hold, ...]:
        """Every thread that has, or may have, the lock; empty when nothing shows who."""
        if lock not in self._known:
            self._known[lock] = self._find(lock)
        return self._known[lock]

    def _find(self, lock: Lock) -> tuple[Hold, ...]:
        find = {
            LockKind.LOCK: self._of_python_lock,
            LockKind.RLOCK: self._of_python_lock,
            LockKind.IMPORT: self._of_import_lock,
            LockKind.JOIN: self._of_thread_end,
            LockKind.WORLD: self._of_world,
            LockKind.STOPPING: self._of_stopping,
            LockKind.GIL: self._of_gil,
            LockKind.NATIVE: self._of_native_mutex,
            LockKind.NOTIFY: self._of_nobody,
        }.get(lock.kind, self._of_mutex)
        try:
            return tuple(find(lock))
        except (MemoryFault, UnknownLayout):
            return ()

    def by_thread(self, lwp: int) -> list[Hold]:
        """What a thread has, or may have.

        What it may have acquired on an earlier line is only looked for when asked about.
        """
        locks = [
            self._places.lock_at(m)
            for s in self.sections(lwp)[0]
            if s.state == "active"
            for m in s.mutexes
        ]
        locks += [_lock_of(taken.lock) for taken in self._taken if taken.lwp == lwp]
        locks += self._recorded
        holds = [hold for lock in dict.fromkeys(locks) for hold in self.of(lock)]
        return [hold for hold in holds if hold.lwp == lwp]

    def sections(self, lwp: int) -> tuple[tuple[CriticalSection, ...], bool]:
        """The thread's critical sections, newest first, and whether all could be read."""
        state = self._sources.state_of(lwp)
        return self._sections.get(state.address, ((), True)) if state else ((), True)

    # --- what each kind of lock says --------------------------------------------------------------

    def _of_mutex(self, lock: Lock) -> Iterator[Hold]:
        """Threads with an active critical section on it.

        Between unlocking and leaving a section a thread still shows as active; so a mutex that is
        not locked, or that two threads seem to have, proves nothing.
        """
        bits = self._sources.memory.read(lock.address, 1)[0]
        found = [
            (t, s)
            for t in self._sources.runtime.threads
            for s in self._sections[t.address][0]
            if s.state == "active" and lock.address in s.mutexes
        ]
        lwps = {t.native_thread_id for t, _ in found}
        confidence = (
            Confidence.POSSIBLE
            if len(lwps) > 1
            else Confidence.PROVEN
            if mutex.is_locked(bits)
            else Confidence.LIKELY
        )
        for thread, section in found:
            field = "_cs_mutex" if section.mutexes[0] == lock.address else "_cs_mutex2"
            struct = "PyCriticalSection2" if section.is_two else "PyCriticalSection"
            place = section.address + self._sources.layout.offset(struct, field)
            evidence = (
                Evidence(
                    Claim("section-has-mutex", lwp=thread.native_thread_id),
                    place,
                    lock.address,
                    lock.object,
                ),
                Evidence(Claim("mutex-is", bits=Address(bits)), lock.address, bits, lock.object),
            )
            yield Hold(thread.native_thread_id, lock, confidence, "critical section", evidence)

    def _of_python_lock(self, lock: Lock) -> Iterator[Hold]:
        address = lock.object or 0
        found = read_lock(self._sources.objects, address) or read_module_lock(
            self._sources.objects, address
        )
        if found is None or not found.is_locked:
            return
        if found.owner is not None:
            yield self._recorded_owner(lock, found.owner, found.owner_field)
        elif found.kind == "threading.Lock":
            yield from self._of_taken(lock)

    def _of_taken(self, lock: Lock) -> Iterator[Hold]:
        """Threads whose code took it.

        Two of them show that the lock changed hands inside of one's block.
        """
        found = [t for t in self._taken if t.lock.address == lock.object] or [
            t for t in self._acquired if t.lock.address == lock.object
        ]
        lwps = {taken.lwp for taken in found}
        for taken in found:
            confidence = taken.confidence if len(lwps) == 1 else Confidence.POSSIBLE
            claim = Claim(
                "took",
                function=taken.frame.function,
                lwp=taken.lwp,
                line=taken.frame.line,
                how=taken.claim,
            )
            yield Hold(
                taken.lwp,
                lock,
                confidence,
                taken.how,
                (Evidence(claim, taken.place, None, lock.object),),
            )

    def _of_import_lock(self, lock: Lock) -> Iterator[Hold]:
        """A module's lock, or the interpreter's own, a ``_PyRecursiveMutex``."""
        if lock.object is not None:
            yield from self._of_python_lock(lock)
            return
        offset = self._sources.layout.offset
        field = (
            lock.address
            - offset("_PyRecursiveMutex", "mutex")
            + offset("_PyRecursiveMutex", "thread")
        )
        ident = self._sources.objects.word(field)
        if ident and mutex.is_locked(self._sources.memory.read(lock.address, 1)[0]):
            yield self._recorded_owner(lock, ident, field)

    def _of_thread_end(self, lock: Lock) -> Iterator[Hold]:
        handle = self._places.handle_at(lock.address)
        place = (
            handle.address + self._sources.layout.offset("ThreadHandle", "ident")
            if handle
            else lock.address
        )
        value = handle.ident if handle else lock.thread
        if lock.thread is not None:
            evidence = Evidence(Claim("waits-for-end-of", lwp=lock.thread), place, value)
            yield Hold(lock.thread, lock, Confidence.PROVEN, "still running", (evidence,))

    def _of_world(self, lock: Lock) -> Iterator[Hold]:
        """A suspended thread waits for whoever stopped its interpreter, or the whole runtime."""
        offset = self._sources.layout.offset("PyThreadState", "state")
        thread = next(
            (t for t in self._sources.runtime.threads if lock.address == t.address + offset), None
        )
        for world in self.worlds:
            if thread is not None and world.interpreter in (None, thread.interpreter):
                yield from self._requester(lock, world)

    def _of_stopping(self, lock: Lock) -> Iterator[Hold]:
        """The requester waits for threads that still run; others wait for the requester."""
        for world in self.worlds:
            inside = (
                world.address
                <= lock.address
                < world.address + self._sources.layout.size("_stoptheworld_state")
            )
            if inside and lock.name.endswith("stop_event"):
                for thread in world.not_stopped:
                    place = thread.address + self._sources.layout.offset("PyThreadState", "state")
                    evidence = Evidence(
                        Claim("still-attached", lwp=thread.native_thread_id), place, 1
                    )
                    yield Hold(
                        thread.native_thread_id,
                        lock,
                        Confidence.PROVEN,
                        "still attached",
                        (evidence,),
                    )
            elif inside or lock.name == "stoptheworld_mutex":
                yield from self._requester(lock, world)

    def _requester(self, lock: Lock, world: StopTheWorld) -> Iterator[Hold]:
        lwp = (
            self._sources.lwp_of_state(world.requester)
            if world.requester and not world.is_idle
            else None
        )
        if lwp is not None:
            place = world.address + self._sources.layout.offset("_stoptheworld_state", "requester")
            evidence = Evidence(Claim("stop-requested-by", lwp=lwp), place, world.requester)
            yield Hold(lwp, lock, Confidence.PROVEN, "requester", (evidence,))

    def _of_gil(self, lock: Lock) -> Iterator[Hold]:
        offset = self._sources.layout.offset
        for interpreter in self._sources.runtime.interpreters:
            gil = interpreter.address + offset("PyInterpreterState", "_gil")
            if not gil <= lock.address < gil + self._sources.layout.size("_gil_runtime_state"):
                continue
            record = self._sources.layout.record(self._sources.memory, "_gil_runtime_state", gil)
            lwp = (
                self._sources.lwp_of_state(record["last_holder"]) if record["locked"] == 1 else None
            )
            if lwp is not None:
                evidence = Evidence(
                    Claim("gil-taken-by", lwp=lwp),
                    record.address_of("last_holder"),
                    record["last_holder"],
                )
                yield Hold(lwp, lock, Confidence.PROVEN, "last holder", (evidence,))

    def _of_native_mutex(self, lock: Lock) -> Iterator[Hold]:
        """If the futex is that of a pthread mutex, its owner's LWP is in it."""
        value = int.from_bytes(self._sources.memory.read(lock.address, 4), "little")
        owner = int.from_bytes(self._sources.memory.read(lock.address + PTHREAD_OWNER, 4), "little")
        if value in (1, 2) and any(t.lwp == owner for t in self._sources.threads):
            evidence = Evidence(
                Claim("pthread-mutex-owner", lwp=owner),
                lock.address + PTHREAD_OWNER,
                owner,
            )
            yield Hold(owner, lock, Confidence.LIKELY, "pthread mutex", (evidence,))

    def _of_nobody(self, lock: Lock) -> Iterator[Hold]:
        """Anybody may notify a condition."""
        yield from ()

    def _recorded_owner(self, lock: Lock, ident: int, field: int | None) -> Hold:
        lwp = self._sources.lwp_of_ident(ident)
        who = Claim("lwp", lwp=lwp) if lwp is not None else Claim("thread-that-has-exited")
        evidence = Evidence(Claim("lock-owner", owner=who), field, ident, lock.object)
        return Hold(lwp, lock, Confidence.PROVEN, "recorded owner", (evidence,))

    # --- what is read once ------------------------------------------------------------------------

    @cached_property
    def worlds(self) -> list[StopTheWorld]:
        """Every state of stopping the world."""
        return stop_the_world.read_all(
            self._sources.memory, self._sources.layout, self._sources.runtime
        )

    @cached_property
    def _sections(self) -> dict[int, tuple[tuple[CriticalSection, ...], bool]]:
        return {
            t.address: read_sections(self._sources.memory, self._sources.layout, t.critical_section)
            for t in self._sources.runtime.threads
        }

    @cached_property
    def _taken(self) -> list[Taken]:
        """Every lock that the threads' ``with`` blocks took, and that is not given back for the
        time.
        """
        found = []
        for thread in self._sources.threads:
            released: set[int] = set()
            given_up: set[int] = set()
            for frame in self._sources.python_stack(thread.lwp).frames:
                given_up |= self._given_up(frame)
                for place, manager in self._blocks.managers(frame):
                    found += [
                        replace(t, confidence=Confidence.POSSIBLE)
                        if t.lock.address in given_up
                        else t
                        for t in self._in_block(thread.lwp, frame, place, manager)
                        if t.lock.address not in released
                    ]
                condition = frame.slots.get("self") if frame.function == CONDITION_WAIT else None
                if condition:
                    released.add(self._sources.objects.attribute(condition, "_lock") or 0)
        return found

    def _given_up(self, frame: Frame) -> set[int]:
        """The locks that the frame's code, as it is written, has released since it took them.

        Within a ``with`` block some do so for the time of something slow.
        """
        found: set[int] = set()
        for operation in self._sources.operations(frame.code):
            if frame.lasti is None or operation.index >= frame.lasti:
                break
            if operation.kind != "call-method" or operation.name not in (*TAKES, "release"):
                continue
            address = resolve(self._sources.objects, frame, operation.receiver)
            if address is not None:
                (found.add if operation.name == "release" else found.discard)(address)
        return found

    def _in_block(self, lwp: int, frame: Frame, place: int, manager: int) -> Iterator[Taken]:
        """The lock that a context manager is; else those that a generator behind it took, or that
        it has (as Condition does).
        """
        objects = self._sources.objects
        lock = read_lock(objects, manager)
        if lock is not None:
            claim = Claim("inside-with")
            yield Taken(lwp, lock, frame, "with block", Confidence.LIKELY, claim, place)
            return
        for count, part in enumerate(objects.children(manager)):
            if count >= MAX_PARTS:
                return
            for inner_place, inner in self._generator_managers(part.target):
                lock = read_lock(objects, inner)
                if lock is not None:
                    claim = Claim("inside-with-generator", generator=Address(part.target))
                    yield Taken(
                        lwp, lock, frame, "with block", Confidence.LIKELY, claim, inner_place
                    )
            lock = read_lock(objects, part.target) or read_module_lock(objects, part.target)
            if lock is not None:
                claim = Claim("inside-with-object", object=Address(manager))
                yield Taken(lwp, lock, frame, "with block", Confidence.POSSIBLE, claim, place)

    def _generator_managers(self, address: int) -> list[tuple[int, int]]:
        """The context managers of the ``with`` blocks that a suspended generator is inside of
        (contextlib.contextmanager).
        """
        info = self._sources.objects.type_of(address)
        if (
            info is None
            or info.name != "generator"
            or not self._sources.layout.has("PyGenObject", "gi_iframe")
        ):
            return []
        frame = self._sources.frame_at(
            address + self._sources.layout.offset("PyGenObject", "gi_iframe")
        )
        return self._blocks.managers(frame) if frame else []

    @cached_property
    def _acquired(self) -> list[Taken]:
        """Locks that a function acquired on an earlier line and, as its code is written, has not
        released.
        """
        found = []
        for thread in self._sources.threads:
            for frame in self._sources.python_stack(thread.lwp).frames[:MAX_FRAMES]:
                taken: dict[int, PythonLock] = {}
                for operation in self._sources.operations(frame.code):
                    if operation.kind != "call-method" or operation.name not in (
                        "acquire",
                        "release",
                    ):
                        continue
                    if frame.lasti is None or operation.index > frame.lasti:
                        continue
                    address = resolve(self._sources.objects, frame, operation.receiver)
                    lock = read_lock(self._sources.objects, address) if address else None
                    if lock is None:
                        continue
                    if operation.name == "acquire" and operation.index < frame.lasti:
                        taken[lock.address] = lock
                    else:
                        # Released; or waited for here a second time, as one does with a lock that
                        # serves as a signal.
                        taken.pop(lock.address, None)
                claim = Claim("acquired-earlier")
                found += [
                    Taken(thread.lwp, t, frame, "acquired in code", Confidence.POSSIBLE, claim)
                    for t in taken.values()
                ]
        return found

    @cached_property
    def _recorded(self) -> list[Lock]:
        """Locks of the runtime that have an owner, and are worth asking in any case."""
        found = []
        layout = self._sources.layout
        for interpreter in self._sources.runtime.interpreters:
            if layout.has("PyInterpreterState", "imports.lock.mutex"):
                address = interpreter.address + layout.offset(
                    "PyInterpreterState", "imports.lock.mutex"
                )
                found.append(Lock(LockKind.IMPORT, address, None, "imports.lock.mutex"))
            if interpreter.gil_enabled:
                found.append(
                    Lock(
                        LockKind.GIL,
                        interpreter.address + layout.offset("PyInterpreterState", "_gil"),
                    )
                )
        offset = (
            layout.offset("_stoptheworld_state", "mutex")
            if layout.has("_stoptheworld_state", "mutex")
            else 0
        )
        found += [
            Lock(LockKind.STOPPING, w.address + offset, None, "stoptheworld.mutex")
            for w in self.worlds
            if not w.is_idle
        ]
        return found


def _lock_of(lock: PythonLock) -> Lock:
    return Lock(KINDS[lock.kind], lock.word, lock.address, lock.name or "")
