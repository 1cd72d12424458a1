"""Who holds, who waits, which cycle: the door's answers over fake memory, for each version's
layouts.
"""

from __future__ import annotations

import dataclasses
import random
import struct

import pytest

from gdbext.cpython.locks.lock_places import LockKind
from gdbext.model import Confidence, LockProblemKind
from gdbext.wording import sentence
from unit.locks.lock_world import (
    BUCKET_TABLE,
    INTERPRETER,
    MUTEX,
    RUNTIME,
    VERSIONS,
    LockWorld,
    Thread,
    at_line,
)

HEAP = 0x7F00_0000_0000
"""Aligned as the heap of an arena of malloc's."""


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest) -> LockWorld:
    return LockWorld(request.param)


@pytest.fixture
def plain() -> LockWorld:
    return LockWorld()


# --- objects' mutexes -----------------------------------------------------------------------------


def test_an_active_section_holds_its_objects_mutex_and_waiters_stand_in_order(
    world: LockWorld,
) -> None:
    holder, first, second = (
        world.thread("holder", "attached"),
        world.thread("first"),
        world.thread("second"),
    )
    items = world.put([1, 2])
    mutex = world.mutex(items, 3)
    world.section(holder, mutex)
    for thread in (first, second):
        world.section(thread, active=False)
        world.park(thread, mutex, since=5_000_000)
    locks = world.locks()
    (hold,) = locks.holders(items)
    assert (hold.lwp, hold.confidence, hold.lock.kind, hold.lock.name) == (
        holder.lwp,
        Confidence.PROVEN,
        LockKind.OBJECT,
        "list",
    )
    assert [wait.lwp for wait in locks.waiters(items)] == [first.lwp, second.lwp]
    assert locks.waiters(items)[0].since == 5_000_000
    assert locks.of_thread(holder.lwp).holds == (items,)
    assert locks.of_thread(first.lwp).waits_for == items
    assert [s.state for s in locks.of_thread(first.lwp).critical_sections] == ["entering"]
    assert not locks.problems


def test_a_section_of_two_mutexes_holds_both(world: LockWorld) -> None:
    holder = world.thread("holder", "attached")
    left, right = world.put([1]), world.put([2])
    world.section(holder, world.mutex(left, 1), world.mutex(right, 1))
    assert world.locks().of_thread(holder.lwp).holds == (left, right)


def test_suspended_sections_hold_nothing_below_an_active_one(plain: LockWorld) -> None:
    thread = plain.thread("thread", "attached")
    outer, inner = plain.put([1]), plain.put([2])
    plain.section(thread, plain.mutex(outer, 0), active=False)
    plain.section(thread, plain.mutex(inner, 1))
    found = plain.locks().of_thread(thread.lwp)
    assert [s.state for s in found.critical_sections] == ["active", "suspended"]
    assert found.holds == (inner,)
    assert plain.locks().holders(outer) == []


def test_an_unlocked_mutex_or_two_holders_prove_nothing(plain: LockWorld) -> None:
    one, two = plain.thread("one", "attached"), plain.thread("two", "attached")
    items = plain.put([1])
    plain.section(one, plain.mutex(items, 0))
    assert [hold.confidence for hold in plain.locks().holders(items)] == [Confidence.LIKELY]
    plain.section(two, plain.mutex(items, 1))
    assert [hold.confidence for hold in plain.locks().holders(items)] == [Confidence.POSSIBLE] * 2
    assert plain.locks().of_thread(one.lwp).holds == ()


@pytest.mark.parametrize("damage", ["loop", "wild"])
def test_a_damaged_chain_of_sections_ends(plain: LockWorld, damage: str) -> None:
    thread = plain.thread("thread", "attached")
    items = plain.put([1])
    address = plain.section(thread, plain.mutex(items, 1))
    plain.set(
        "PyCriticalSection",
        address,
        _cs_prev=address if damage == "loop" else 0xDDDD_DDDD_DDDD_DDDC,
    )
    assert plain.locks().of_thread(thread.lwp).holds == (items,)


# --- Python's locks -------------------------------------------------------------------------------


def test_a_with_block_shows_who_took_a_lock(world: LockWorld) -> None:
    holder, waiter = world.thread("holder"), world.thread("waiter")
    lock = world.lock(locked=True, parked=True)
    frame = world.frame(holder, held=[lock], x=world.put(1))
    world.frame(waiter)
    world.wait_for(waiter, lock)
    locks = world.locks()
    (hold,) = locks.holders(lock)
    assert (hold.lwp, hold.confidence, hold.how) == (holder.lwp, Confidence.LIKELY, "with block")
    assert locks.of_thread(holder.lwp).holds == (lock,)
    assert locks.of_thread(waiter.lwp).waits_for == lock
    assert (
        hold.evidence[0].address
        == frame.address + world.layout.offset("_PyInterpreterFrame", "localsplus") + 8
    )


def test_a_loop_inside_the_block_has_it_on_its_jump_back_too(world: LockWorld) -> None:
    thread = world.thread("thread")
    lock = world.lock(locked=True)
    frame = world.frame(thread, held=[lock])
    # No exception can be raised by the jump, so the table leaves it out.
    world.loop(frame, 20, 40)
    thread.frames[0] = at_line(frame, 40)
    (hold,) = world.locks().holders(lock)
    assert hold.lwp == thread.lwp
    world.loop(frame, 36, 40)
    assert world.locks().holders(lock) == []


def test_outside_of_the_block_nothing_is_known(world: LockWorld) -> None:
    thread = world.thread("thread")
    lock = world.lock(locked=True)
    frame = world.frame(thread, held=[lock])
    thread.frames[0] = at_line(frame, 40)
    assert world.locks().holders(lock) == []


def test_an_unlocked_lock_has_no_holder(plain: LockWorld) -> None:
    thread = plain.thread("thread")
    lock = plain.lock(locked=False)
    plain.frame(thread, held=[lock])
    assert plain.locks().holders(lock) == []


def test_two_threads_inside_with_of_one_lock_are_only_possible(plain: LockWorld) -> None:
    lock = plain.lock(locked=True)
    for name in ("one", "two"):
        plain.frame(plain.thread(name), held=[lock])
    assert [hold.confidence for hold in plain.locks().holders(lock)] == [Confidence.POSSIBLE] * 2


def test_an_rlock_records_its_owner(world: LockWorld) -> None:
    owner, waiter = world.thread("owner"), world.thread("waiter")
    lock = world.rlock(owner.ident, parked=True)
    world.frame(waiter)
    world.wait_for(waiter, lock)
    locks = world.locks()
    assert [(hold.lwp, hold.confidence) for hold in locks.holders(lock)] == [
        (owner.lwp, Confidence.PROVEN)
    ]
    assert locks.of_thread(waiter.lwp).waits_for == lock
    assert locks.graph.waits[waiter.lwp].lock.kind is LockKind.RLOCK


def test_an_rlock_whose_owner_has_exited_is_lost(world: LockWorld) -> None:
    waiter = world.thread("waiter")
    lock = world.rlock(0x7F55_0000_0740, parked=True)
    world.frame(waiter)
    world.wait_for(waiter, lock)
    locks = world.locks()
    assert [hold.lwp for hold in locks.holders(lock)] == [None]
    assert [(p.kind, p.confidence, p.subject, p.threads) for p in locks.problems] == [
        (LockProblemKind.MUTEX_MISUSE, Confidence.PROVEN, lock, (waiter.lwp,))
    ]
    assert locks.hang().kind == "lost lock"


def test_a_lock_inside_a_context_manager_is_a_hint(world: LockWorld) -> None:
    thread = world.thread("thread")
    lock = world.lock(locked=True)
    world.new_class("Guarded", names=("_lock",))
    world.frame(thread, held=[world.instance("Guarded", lock)])
    (hold,) = world.locks().holders(lock)
    assert (hold.lwp, hold.confidence) == (thread.lwp, Confidence.POSSIBLE)


def test_a_lock_that_a_generator_took_for_a_with_block_is_held(world: LockWorld) -> None:
    thread = world.thread("thread")
    lock = world.lock(locked=True)
    world.new_class("_GeneratorContextManager", names=("gen",))
    world.frame(thread, held=[world.instance("_GeneratorContextManager", world.generator(lock))])
    (hold,) = world.locks().holders(lock)
    assert (hold.lwp, hold.confidence) == (thread.lwp, Confidence.LIKELY)


@pytest.mark.parametrize(
    ("steps", "held"),
    [
        ([(3, "acquire", "lock")], True),
        ([(3, "acquire", "lock"), (5, "release", "lock")], False),
        ([(3, "acquire", "lock"), (5, "release", "lock"), (7, "acquire", "lock")], True),
        ([(10, "acquire", "lock")], False),
        ([(3, "acquire", "lock"), (10, "acquire", "lock")], False),
        ([(12, "acquire", "lock")], False),
        ([(3, "acquire", "other")], False),
    ],
)
def test_a_lock_acquired_on_an_earlier_line_is_possibly_held(
    world: LockWorld, steps: list[tuple[int, str, str]], held: bool
) -> None:
    thread = world.thread("thread")
    lock = world.lock(locked=True)
    # The frame is at instruction 10.
    frame = world.frame(thread, lock=lock, other=world.put("no lock"))
    world.calls(frame, *steps)
    assert [(h.lwp, h.confidence, h.how) for h in world.locks().holders(lock)] == (
        [(thread.lwp, Confidence.POSSIBLE, "acquired in code")] if held else []
    )
    assert world.locks().of_thread(thread.lwp).holds == ()


@pytest.mark.parametrize(
    ("steps", "sure"),
    [
        ([(2, "__enter__", "lock"), (4, "release", "lock")], Confidence.POSSIBLE),
        ([(2, "__enter__", "lock"), (20, "release", "lock")], Confidence.LIKELY),
        ([(1, "release", "lock"), (2, "__enter__", "lock")], Confidence.LIKELY),
        (
            [(2, "__enter__", "lock"), (4, "release", "lock"), (6, "acquire", "lock")],
            Confidence.LIKELY,
        ),
        ([(2, "__enter__", "lock"), (4, "release", "other")], Confidence.LIKELY),
    ],
)
def test_a_lock_that_its_block_gave_up_for_a_while(
    world: LockWorld, steps: list[tuple[int, str, str]], sure: Confidence
) -> None:
    """The frame is at instruction 10 of the block."""
    thread = world.thread("thread")
    lock = world.lock(locked=True)
    frame = world.frame(thread, held=[lock], lock=lock, other=world.lock(locked=True))
    world.calls(frame, *steps)
    [hold] = [h for h in world.locks().holders(lock) if h.how == "with block"]
    assert hold.confidence is sure


def test_inside_condition_wait_its_lock_is_given_back(world: LockWorld) -> None:
    thread = world.thread("thread")
    lock, waiter = world.lock(locked=True), world.lock(locked=True, parked=True)
    world.new_class("Condition", names=("_lock",))
    condition = world.instance("Condition", lock)
    world.frame(thread, held=[lock])
    world.frame(thread, "Condition.wait", self=condition, waiter=waiter)
    world.wait_for(thread, waiter)
    locks = world.locks()
    assert locks.holders(lock) == []
    assert locks.graph.waits[thread.lwp].lock.kind is LockKind.NOTIFY
    assert locks.of_thread(thread.lwp).waits_for == condition
    assert (locks.graph.edges, locks.problems, locks.hang().kind) == ([], [], "waiting")
    assert (
        sentence(locks.hang().detail)
        == "no deadlock found; 1 thread is waiting for locks or events"
    ), "a notification has no holder"


def test_a_module_lock_names_the_importing_thread(world: LockWorld) -> None:
    importer, waiter = world.thread("importer"), world.thread("waiter")
    wakeup = world.lock(locked=True, parked=True)
    world.new_class("_ModuleLock", names=("owner", "count", "name", "wakeup"))
    lock = world.instance(
        "_ModuleLock",
        world.put(importer.ident),
        world.put([True]),
        world.put("package.module"),
        wakeup,
    )
    world.frame(waiter, "_ModuleLock.acquire", self=lock)
    world.wait_for(waiter, wakeup)
    locks = world.locks()
    wait = locks.graph.waits[waiter.lwp]
    assert (wait.lock.kind, wait.lock.object, wait.lock.name) == (
        LockKind.IMPORT,
        lock,
        "package.module",
    )
    assert [edge.hold.lwp for edge in locks.graph.edges] == [importer.lwp]


# --- other waits ----------------------------------------------------------------------------------


def test_a_join_waits_for_its_thread(world: LockWorld) -> None:
    main, worker = world.thread("main"), world.thread("worker", "attached")
    world.park(main, world.handle(worker))
    locks = world.locks()
    assert [(edge.wait.lwp, edge.hold.lwp, edge.wait.lock.kind) for edge in locks.graph.edges] == [
        (main.lwp, worker.lwp, LockKind.JOIN)
    ]
    assert locks.hang().threads == (worker.lwp,)


def test_pthread_join_waits_for_the_threads_id(plain: LockWorld) -> None:
    main, worker = plain.thread("main"), plain.thread("worker", "attached")
    plain.memory.write(worker.ident + 720, worker.lwp.to_bytes(4, "little"))
    plain.sleep(main, worker.ident + 720)
    assert [(edge.wait.lwp, edge.hold.lwp) for edge in plain.locks().graph.edges] == [
        (main.lwp, worker.lwp)
    ]


def test_a_pthread_mutex_names_its_owner(plain: LockWorld) -> None:
    owner, waiter = plain.thread("owner"), plain.thread("waiter")
    mutex = plain.allocate(40)
    plain.memory.write(
        mutex, (2).to_bytes(4, "little") + bytes(4) + owner.lwp.to_bytes(4, "little")
    )
    plain.sleep(waiter, mutex)
    (edge,) = plain.locks().graph.edges
    assert (edge.wait.lock.kind, edge.hold.lwp, edge.confidence) == (
        LockKind.NATIVE,
        owner.lwp,
        Confidence.LIKELY,
    )


def test_a_runtime_lock_goes_by_its_field_and_has_no_known_holder(world: LockWorld) -> None:
    thread = world.thread("thread")
    address = RUNTIME + world.layout.offset("_PyRuntimeState", "interpreters.mutex")
    world.memory.write(address, b"\3")
    world.park(thread, address)
    wait = world.locks().graph.waits[thread.lwp]
    assert (wait.lock.kind, wait.lock.name) == (LockKind.RUNTIME, "interpreters.mutex")
    assert world.locks().graph.edges == []


def test_the_import_lock_names_its_owner(world: LockWorld) -> None:
    owner, waiter = world.thread("owner"), world.thread("waiter")
    lock = INTERPRETER + world.layout.offset("PyInterpreterState", "imports.lock.mutex")
    world.set("_PyRecursiveMutex", lock, mutex=3, thread=owner.ident)
    world.park(waiter, lock)
    assert [edge.hold.lwp for edge in world.locks().graph.edges] == [owner.lwp]
    assert world.locks().of_thread(owner.lwp).holds == (lock,)


def test_without_the_parking_lots_symbol_the_futex_leads_to_the_entry(world: LockWorld) -> None:
    holder, waiter = world.thread("holder", "attached"), world.thread("waiter")
    items = world.put([1])
    world.section(holder, world.mutex(items, 3))
    world.park(waiter, items + MUTEX)
    world.has_symbols = False
    assert [wait.lwp for wait in world.locks().waiters(items)] == [waiter.lwp]


def test_the_main_threads_stack_is_found_by_its_stack_pointer(plain: LockWorld) -> None:
    main, other = plain.thread("main", descriptor=0x4000), plain.thread("other")
    items = plain.put([1])
    plain.park(main, plain.mutex(items, 3))
    plain.park(other, items + MUTEX)
    assert [wait.lwp for wait in plain.locks().waiters(items)] == [main.lwp, other.lwp]


# --- cycles --------------------------------------------------------------------------------------


def test_a_cycle_of_two_is_found_once_and_is_as_sure_as_its_weakest_edge(world: LockWorld) -> None:
    first, second = world.thread("first"), world.thread("second")
    lock, rlock = world.lock(locked=True, parked=True), world.rlock(second.ident, parked=True)
    world.frame(first, held=[lock])
    world.frame(second)
    world.wait_for(first, rlock)
    world.wait_for(second, lock)
    locks = world.locks()
    (cycle,) = locks.graph.cycles
    assert [(edge.wait.lwp, edge.hold.lwp) for edge in cycle] == [
        (first.lwp, second.lwp),
        (second.lwp, first.lwp),
    ]
    (problem,) = locks.problems
    assert (problem.kind, problem.confidence, problem.threads) == (
        LockProblemKind.DEADLOCK,
        Confidence.LIKELY,
        (first.lwp, second.lwp),
    )
    assert sentence(problem.detail) == (
        f'a cycle of 2 threads waiting for each other\'s locks: "first" (LWP {first.lwp}) waits '
        f'for threading.RLock {rlock:#x}, held by "second" (recorded owner); '
        f'"second" (LWP {second.lwp}) waits for threading.Lock {lock:#x}, '
        'held by "first" (with block)'
    )
    assert locks.hang().kind == "deadlock"


def test_threads_of_one_name_or_none_are_told_by_their_lwps(plain: LockWorld) -> None:
    threads = [plain.thread(name) for name in ("worker", "worker", "")]
    locks = [plain.rlock(thread.ident, parked=True) for thread in threads]
    for thread, wanted in zip(threads, (locks[1], locks[2], locks[0])):
        plain.frame(thread)
        plain.wait_for(thread, wanted)
    (problem,) = plain.locks().problems
    assert 'held by "worker" (LWP 101) (recorded owner)' in sentence(problem.detail)
    assert (
        f'LWP 102 waits for threading.RLock {locks[0]:#x}, held by "worker" (LWP 100)'
        in sentence(problem.detail)
    )


def test_a_lock_that_is_a_global_has_its_name(plain: LockWorld) -> None:
    thread = plain.thread("thread")
    lock = plain.lock(locked=True, parked=True)
    names = {"__name__": plain.put("app"), "guard": lock}
    namespace = plain.dict([(plain.put(name), value) for name, value in names.items()])
    plain.frame(thread, held=[lock])
    plain.wait_for(thread, lock)
    thread.frames[:] = [dataclasses.replace(frame, globals=namespace) for frame in thread.frames]
    (problem,) = plain.locks().problems
    assert sentence(problem.detail) == (
        f'"thread" (LWP {thread.lwp}) waits for threading.Lock app.guard {lock:#x}, '
        "which it holds itself"
    )


def test_a_wait_with_a_timeout_makes_no_deadlock(world: LockWorld) -> None:
    first, second = world.thread("first"), world.thread("second")
    one, two = world.rlock(first.ident, parked=True), world.rlock(second.ident, parked=True)
    world.frame(first)
    world.frame(second)
    world.wait_for(first, two, timeout=0x7F00_1234)
    world.wait_for(second, one)
    assert [(p.kind, p.confidence) for p in world.locks().problems] == [
        (LockProblemKind.DEADLOCK, Confidence.POSSIBLE)
    ]
    assert world.locks().hang().kind == "waiting"


def test_a_thread_may_wait_for_itself(world: LockWorld) -> None:
    thread = world.thread("thread")
    lock = world.lock(locked=True, parked=True)
    world.frame(thread, held=[lock])
    world.frame(thread)
    world.wait_for(thread, lock)
    (problem,) = world.locks().problems
    assert (problem.kind, problem.threads, problem.subject) == (
        LockProblemKind.DEADLOCK,
        (thread.lwp,),
        lock,
    )


def test_a_thread_outside_waits_for_the_cycle_and_is_not_part_of_it(plain: LockWorld) -> None:
    threads = [plain.thread(name) for name in ("one", "two", "three", "outside")]
    locks = [plain.rlock(thread.ident) for thread in threads[:3]]
    for thread, wanted in zip(threads, (locks[1], locks[2], locks[0], locks[0])):
        plain.frame(thread)
        plain.wait_for(thread, wanted)
    found = plain.locks()
    assert [{edge.wait.lwp for edge in cycle} for cycle in found.graph.cycles] == [
        {thread.lwp for thread in threads[:3]}
    ]
    assert [edge.hold.lwp for edge in found.graph.from_thread(threads[3].lwp)] == [threads[0].lwp]


# --- waits that nobody is known to end ------------------------------------------------------------


def test_where_nobody_is_known_to_have_a_mutex_a_cycle_cannot_be_ruled_out(
    world: LockWorld,
) -> None:
    waiter = world.thread("waiter")
    items = world.put([1])
    world.park(waiter, world.mutex(items, 3))
    hang = world.locks().hang()
    lock = world.locks().graph.waits[waiter.lwp].lock
    assert (hang.kind, hang.threads) == ("waiting", ())
    assert sentence(hang.detail) == (
        f"1 thread is waiting; who holds {sentence(lock.claim)} is not known, "
        "so a deadlock is possible"
    )


def test_where_the_holder_is_known_there_is_no_cycle(world: LockWorld) -> None:
    holder, waiter = world.thread("holder"), world.thread("waiter")
    items = world.put([1])
    mutex = world.mutex(items, 3)
    world.section(holder, mutex)
    world.park(waiter, mutex)
    hang = world.locks().hang()
    assert (sentence(hang.detail), hang.threads) == (
        "no deadlock found; 1 thread is waiting for locks or events",
        (holder.lwp,),
    )


# --- mutexes that lie -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "text"), [(0, "unlocked"), (1, "locked"), (0xDD, "impossible value 0xdd")]
)
def test_a_mutex_that_denies_its_waiters_will_never_wake_them(
    world: LockWorld, bits: int, text: str
) -> None:
    waiter = world.thread("waiter")
    items = world.put([1])
    world.park(waiter, world.mutex(items, bits))
    (problem,) = world.locks().problems
    assert (problem.kind, problem.confidence, problem.subject, problem.subject_type) == (
        LockProblemKind.MUTEX_MISUSE,
        Confidence.PROVEN,
        items,
        "list",
    )
    assert text in sentence(problem.detail)
    assert world.locks().hang().kind == "lost lock"


def test_a_bucket_that_is_being_changed_proves_nothing(plain: LockWorld) -> None:
    waiter = plain.thread("waiter")
    items = plain.put([1])
    mutex = plain.mutex(items, 0)
    plain.park(waiter, mutex)
    plain.set("Bucket", BUCKET_TABLE + mutex % 257 * plain.layout.size("Bucket"), mutex=1)
    assert plain.locks().problems == []


def test_a_thread_that_leaves_its_section_has_unlocked_it_already(plain: LockWorld) -> None:
    """_PyMutex_Unlock inside PyCriticalSection_End: nothing is wrong."""
    thread = plain.thread("thread", "attached")
    items = plain.put([1])
    plain.section(thread, plain.mutex(items, 0))
    assert plain.locks().problems == []
    plain.mutex(items, 0x7F)
    (problem,) = plain.locks().problems
    assert (problem.kind, problem.confidence) == (LockProblemKind.MUTEX_MISUSE, Confidence.LIKELY)


def test_a_thread_that_detaches_gives_its_sections_up_from_the_newest_on(plain: LockWorld) -> None:
    """_PyCriticalSection_SuspendAll, stopped at the second of three."""
    thread = plain.thread("thread", "attached")
    for bits, is_active in ((1, True), (0, True), (0, False)):
        plain.section(thread, plain.mutex(plain.put([1]), bits), active=is_active)
    assert plain.locks().problems == []


def test_an_outer_section_stays_locked_while_an_inner_one_is_active(plain: LockWorld) -> None:
    thread = plain.thread("thread", "attached")
    outer, inner = plain.put([1]), plain.put([2])
    plain.section(thread, plain.mutex(outer, 0))
    plain.section(thread, plain.mutex(inner, 1))
    (problem,) = plain.locks().problems
    assert (problem.kind, problem.subject) == (LockProblemKind.MUTEX_MISUSE, outer)
    assert problem.confidence is Confidence.LIKELY


# --- stopping the world ---------------------------------------------------------------------------


def test_the_requester_waits_for_those_who_are_attached(world: LockWorld) -> None:
    requester, runner, stopped = (
        world.thread("requester", "attached"),
        world.thread("runner", "attached"),
        world.thread("stopped", "suspended"),
    )
    state = world.stop_the_world(requester, stopped=False, countdown=1)
    world.park(stopped, stopped.tstate + world.layout.offset("PyThreadState", "state"))
    locks = world.locks()
    (stopping,) = [w for w in locks.worlds if not w.is_idle]
    assert (
        stopping.address,
        stopping.requester,
        [t.native_thread_id for t in stopping.not_stopped],
    ) == (
        state,
        requester.tstate,
        [runner.lwp],
    )
    assert {(edge.wait.lwp, edge.hold.lwp) for edge in locks.graph.edges} == {
        (requester.lwp, runner.lwp),
        (stopped.lwp, requester.lwp),
    }
    assert locks.problems == [], "any garbage collection looks so for a moment"
    assert (locks.hang().kind, locks.hang().threads) == ("stop-the-world", (runner.lwp,))


def test_a_thread_that_sleeps_attached_is_to_blame(plain: LockWorld) -> None:
    requester, sleeper = plain.thread("requester", "attached"), plain.thread("sleeper", "attached")
    plain.stop_the_world(requester, stopped=False, countdown=1)
    plain.memory.write(0x40_0200, b"\xb8\xe6\0\0\0\x0f\x05")  # clock_nanosleep
    sleeper.registers["rip"] = 0x40_0207
    (problem,) = plain.locks().problems
    assert (problem.kind, problem.confidence, problem.threads[0]) == (
        LockProblemKind.STOP_THE_WORLD,
        Confidence.LIKELY,
        sleeper.lwp,
    )
    assert "clock_nanosleep" in sentence(problem.detail)


@pytest.mark.parametrize(
    ("seconds", "parts", "is_short"),
    [(0, 50_000, True), (3600, 0, False), (0, 999_999_999, True), (1, 0, False)],
)
def test_a_thread_that_sleeps_attached_for_a_moment_is_not_to_blame(
    plain: LockWorld, seconds: int, parts: int, is_short: bool
) -> None:
    requester, sleeper = plain.thread("requester", "attached"), plain.thread("sleeper", "attached")
    plain.stop_the_world(requester, stopped=False, countdown=1)
    plain.memory.write(0x40_0200, b"\xb8\xe6\0\0\0\x0f\x05")  # clock_nanosleep
    plain.memory.map(0x51_0000, 0x1000)
    plain.memory.write(0x51_0010, struct.pack("<qq", seconds, parts))
    sleeper.registers |= {"rip": 0x40_0207, "rdi": 0, "rsi": 0, "rdx": 0x51_0010}
    kinds = [problem.kind for problem in plain.locks().problems]
    assert kinds == ([] if is_short else [LockProblemKind.STOP_THE_WORLD])
    # Until a time of day: how long that is cannot be seen.
    sleeper.registers["rsi"] = 1
    assert [p.kind for p in plain.locks().problems] == [LockProblemKind.STOP_THE_WORLD]


@pytest.mark.parametrize(
    ("word", "timeout", "is_stuck"),
    [
        (0x50_0100, 0, True),
        (0x50_0100, 0x50_0200, False),
        (HEAP + 0x40, 0, False),
    ],
    ids=["once_flag", "timeout", "arena_of_malloc"],
)
def test_a_thread_that_waits_attached_for_a_librarys_lock_is_to_blame(
    plain: LockWorld, word: int, timeout: int, is_stuck: bool
) -> None:
    requester, waiter = plain.thread("requester", "attached"), plain.thread("waiter", "attached")
    plain.stop_the_world(requester, stopped=False, countdown=1)
    plain.memory.map(word & ~0xFFF, 0x1000)
    plain.sleep(waiter, word, timeout)
    problems = plain.locks().problems
    assert [(p.kind, p.confidence, p.threads[0]) for p in problems] == (
        [(LockProblemKind.STOP_THE_WORLD, Confidence.LIKELY, waiter.lwp)] if is_stuck else []
    )


def test_who_stopped_the_world_must_not_wait_for_a_lock(world: LockWorld) -> None:
    requester = world.thread("requester", "attached")
    world.thread("holder", "suspended")
    items = world.put([1])
    world.stop_the_world(requester, stopped=True)
    world.park(requester, world.mutex(items, 3))
    (problem,) = world.locks().problems
    assert (problem.kind, problem.confidence, problem.subject) == (
        LockProblemKind.STOP_THE_WORLD,
        Confidence.LIKELY,
        items,
    )


def test_a_requester_without_a_thread_state_is_not_known(plain: LockWorld) -> None:
    plain.thread("runner", "attached")
    plain.stop_the_world(None, stopped=False, countdown=1)
    (world,) = [w for w in plain.locks().worlds if not w.is_idle]
    assert world.requester is None
    assert plain.locks().graph.edges == []


def test_threads_that_run_are_running(plain: LockWorld) -> None:
    thread = plain.thread("thread", "attached")
    assert (plain.locks().hang().kind, plain.locks().hang().threads) == ("running", (thread.lwp,))


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (24, "running", "1 thread is running"),
        (
            230,
            "outside Python",
            "no thread waits for a lock or an event: each is in a system call or in C code",
        ),
    ],
    ids=["sched_yield, as one that spins for a mutex", "clock_nanosleep"],
)
def test_who_waits_for_nothing_is_not_called_waiting(
    plain: LockWorld, call: int, kind: str, said: str
) -> None:
    thread = plain.thread("thread", "attached")
    plain.memory.write(0x40_0200, b"\xb8" + call.to_bytes(4, "little") + b"\x0f\x05")
    thread.registers["rip"] = 0x40_0207
    hang = plain.locks().hang()
    assert (hang.kind, sentence(hang.detail)) == (kind, said)


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_gives_answers_and_never_an_exception(seed: int) -> None:
    chance = random.Random(seed)
    world = LockWorld(chance.choice(VERSIONS))
    first, second = world.thread("first", "attached"), world.thread("second")
    lock, rlock, items = (
        world.lock(locked=True, parked=True),
        world.rlock(first.ident),
        world.put([1, 2]),
    )
    world.new_class("Guarded", names=("_lock",))
    guarded = world.instance("Guarded", lock)
    world.frame(first, held=[lock, rlock])
    world.frame(second, held=[guarded])
    world.section(first, world.mutex(items, 3))
    world.wait_for(second, lock)
    third = world.thread("third", "suspended")
    world.park(third, items + MUTEX)
    world.stop_the_world(first, stopped=bool(seed % 2), countdown=1)
    for _ in range(chance.choice((1, 5, 50))):
        start, data = chance.choice(list(world.memory.segments.items()))
        used = min(len(data), 60_000)
        value = chance.choice(
            (
                bytes(8),
                b"\xdd" * 8,
                b"\xff" * 8,
                chance.randbytes(8),
                world.words(start + chance.randrange(0, used, 8)),
            )
        )
        world.memory.write(start + chance.randrange(0, used - 8, 8), value)
    locks = world.locks()
    for thread in (first, second, third):
        found = locks.of_thread(thread.lwp)
        assert isinstance(found.holds, tuple)
        assert found.waits_for is None or found.waits_for >= 0
    for address in (items, lock, rlock, guarded, 0, 0xDDDD_DDDD_DDDD_DDDD, first.top):
        assert isinstance(locks.holders(address), list)
        assert isinstance(locks.waiters(address), list)
    assert locks.hang().kind in (
        "deadlock",
        "stop-the-world",
        "lost lock",
        "running",
        "waiting",
        "outside Python",
    )
    assert all(p.kind in LockProblemKind for p in locks.problems)


# --- mutexes of C code, which leave no trace of who locked them -----------------------------------


def native(world: LockWorld, owner: Thread) -> int:
    """A pthread mutex that the thread has."""
    mutex = world.allocate(40)
    world.memory.write(
        mutex, (2).to_bytes(4, "little") + bytes(4) + owner.lwp.to_bytes(4, "little")
    )
    return mutex


def pair(world: LockWorld) -> tuple[Thread, Thread, int]:
    """The loader waits for a pthread mutex of the flusher's, who waits for a C file's PyMutex that
    is locked; the main thread waits for the loader's end.
    """
    main, loader, flusher = (
        world.thread("main"),
        world.thread("loader", "attached"),
        world.thread("flusher"),
    )
    cache = world.allocate(16)
    world.memory.write(cache, b"\3")
    world.variables[cache] = "cache in pair"
    lock = native(world, flusher)
    world.variables[lock] = "io in pair"
    world.sleep(loader, lock)
    world.park(flusher, cache, since=5_000_000)
    world.park(main, world.handle(loader))
    return loader, flusher, cache


def test_a_cycle_but_for_an_unrecorded_holder_is_a_possible_deadlock(world: LockWorld) -> None:
    loader, flusher, cache = pair(world)
    locks = world.locks()
    (problem,) = locks.problems
    assert (problem.kind, problem.confidence, problem.threads, problem.subject) == (
        LockProblemKind.DEADLOCK,
        Confidence.POSSIBLE,
        (flusher.lwp, loader.lwp),
        cache,
    )
    (edge,) = locks.graph.from_thread(loader.lwp)
    assert sentence(problem.detail) == (
        f'"flusher" (LWP {flusher.lwp}) waits for lock cache in pair {cache:#x}, whose holder is '
        f'not recorded; "loader" (LWP {loader.lwp}) waits for native lock io in pair '
        f'{edge.wait.lock.address:#x}, held by "flusher" (pthread mutex); if "loader" has the '
        "first, they wait for each other"
    )
    assert locks.hang().for_unknown == (flusher.lwp,)


def test_of_threads_that_all_wait_for_one_mutex_none_is_left_to_unlock_it(plain: LockWorld) -> None:
    _, _, cache = pair(plain)
    plain.park(plain.thread("second"), cache, since=6_000_000)
    assert len(plain.locks().problems) == 1
    alone = LockWorld()
    word = alone.allocate(16)
    alone.memory.write(word, b"\3")
    alone.park(alone.thread("alone"), word)
    (problem,) = alone.locks().problems
    assert (problem.kind, problem.confidence) == (
        LockProblemKind.DEADLOCK,
        Confidence.POSSIBLE,
    )
    assert "no thread is left that could unlock it" in sentence(problem.detail)


@pytest.mark.parametrize("other", ["running", "on a futex", "timeout", "event", "handed over"])
def test_whoever_may_have_the_mutex_and_go_on_rules_the_deadlock_out(
    plain: LockWorld, other: str
) -> None:
    loader, flusher, cache = pair(plain)
    if other == "running":
        plain.thread("runner", "attached")
    elif other == "on a futex":
        plain.sleep(plain.thread("worker of a library's"), plain.allocate(16))
    elif other == "timeout":
        plain.sleep(loader, loader.registers["rdi"], timeout=0x7F00_0000_1000)
    elif other == "event":
        plain.memory.write(cache, b"\2")
    else:
        # The owner has just unlocked the pthread mutex: its waiter has not run yet.
        plain.memory.write(loader.registers["rdi"], bytes(12))
    assert plain.locks().problems == []
    assert flusher.lwp in plain.locks().graph.waits


def test_a_pthread_mutex_is_among_what_its_owner_holds(plain: LockWorld) -> None:
    owner, waiter = plain.thread("owner"), plain.thread("waiter")
    lock = native(plain, owner)
    plain.sleep(waiter, lock)
    locks = plain.locks()
    assert [hold.lwp for hold in locks.holders(lock)] == [owner.lwp]
    assert [found.kind for found in locks.locks_of(lock)] == [LockKind.NATIVE]
    assert locks.of_thread(owner.lwp).holds == (lock,)
    assert locks.of_thread(waiter.lwp).holds == ()


def test_a_stop_that_waits_for_a_native_lock_of_its_requesters_says_so(plain: LockWorld) -> None:
    requester, worker = plain.thread("requester", "attached"), plain.thread("worker", "attached")
    plain.stop_the_world(requester, stopped=False, countdown=1)
    plain.sleep(worker, native(plain, requester))
    (problem,) = plain.locks().problems
    assert (problem.kind, problem.waits_attached) == (LockProblemKind.STOP_THE_WORLD, True)
