"""The parts below the door: bits, system calls, the parking lot's table, exception
tables, cycles.
"""

from __future__ import annotations

import pytest

from fakes import FakeMemory
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.locks.graph import Hold, Wait, WaitGraph
from gdbext.cpython.locks.lock_places import Lock, LockKind
from gdbext.cpython.locks.mutex import is_locked
from gdbext.cpython.locks.parking_lot import BUCKETS, read_buckets, waiter_at_futex
from gdbext.cpython.locks.system_calls import current_call
from gdbext.cpython.locks.with_blocks import handler_depth
from gdbext.model import Address, Claim, Confidence
from gdbext.target.protocol import Symbol
from gdbext.wording import sentence
from unit.locks.lock_world import BUCKET_TABLE, FUTEX_CALL, MUTEX, LockWorld

RESTART = (1 << 64) - 512


def test_a_mutex_byte_in_words() -> None:
    assert [sentence(Claim("mutex-is", bits=Address(bits))) for bits in range(4)] == [
        "the mutex is unlocked",
        "the mutex is locked",
        "the mutex is unlocked, with parked waiters",
        "the mutex is locked, with parked waiters",
    ]
    assert sentence(Claim("mutex-is", bits=Address(0xDD))) == "the mutex is impossible value 0xdd"
    assert [is_locked(bits) for bits in (0, 1, 2, 3, 0xDD)] == [False, True, False, True, False]


# --- system calls ---------------------------------------------------------------------------------


@pytest.fixture
def code() -> FakeMemory:
    memory = FakeMemory()
    memory.map(FUTEX_CALL - 0x107, 4096)
    memory.write(FUTEX_CALL - 7, b"\xb8\xca\0\0\0\x0f\x05")
    return memory


@pytest.mark.parametrize(("timeout", "has_timeout"), [(0, False), (0x7F00_0000_1000, True)])
def test_a_futex_and_its_timeout(code: FakeMemory, timeout: int, has_timeout: bool) -> None:
    found = current_call(
        code, {"rip": FUTEX_CALL, "rdi": 0x7F00_0000_2000, "rsi": 0x189, "r10": timeout}
    )
    assert found
    assert (found.name, found.futex, found.has_timeout) == (
        "futex",
        0x7F00_0000_2000,
        has_timeout,
    )


def test_waking_a_futex_is_no_wait(code: FakeMemory) -> None:
    found = current_call(code, {"rip": FUTEX_CALL, "rdi": 0x7F00_0000_2000, "rsi": 0x81, "r10": 0})
    assert found
    assert found.futex is None


def test_another_call_has_its_name_and_no_futex(code: FakeMemory) -> None:
    code.write(FUTEX_CALL - 6, bytes([7]))
    found = current_call(code, {"rip": FUTEX_CALL, "rdi": 0x7F00_0000_2000, "rsi": 9, "r10": 0})
    assert found
    assert (found.name, found.futex) == ("poll", None)


def test_a_call_whose_number_is_not_seen_counts_when_it_looks_like_a_private_wait(
    code: FakeMemory,
) -> None:
    code.write(FUTEX_CALL - 7, b"\x90\x90\x90\x89\xc8\x0f\x05")
    registers = {"rip": FUTEX_CALL, "rdi": 0x7F00_0000_2000, "rsi": 0x189, "r10": 0}
    waiting, running = (
        current_call(code, registers | {"rax": RESTART}),
        current_call(code, registers | {"rax": 5}),
    )
    assert waiting
    assert waiting.futex == 0x7F00_0000_2000
    assert running
    assert running.futex is None


def test_a_call_whose_number_is_made_by_exclusive_or_is_read(code: FakeMemory) -> None:
    code.write(FUTEX_CALL - 7, b"\x90\x90\x90\x31\xc0\x0f\x05")
    found = current_call(code, {"rip": FUTEX_CALL, "rdi": 5, "rsi": 0x7F00_0000_2000})
    assert found
    assert found.name == "read"


@pytest.mark.parametrize(
    "registers", [{}, {"rip": 0}, {"rip": 0xDEAD_0000}, {"rip": FUTEX_CALL + 1}]
)
def test_elsewhere_there_is_no_call(code: FakeMemory, registers: dict[str, int]) -> None:
    assert current_call(code, registers) is None


# --- the parking lot ------------------------------------------------------------------------------


@pytest.fixture
def world() -> LockWorld:
    return LockWorld()


def table(world: LockWorld, size: int | None = None) -> Symbol:
    return Symbol(
        "buckets", BUCKET_TABLE, BUCKETS * world.layout.size("Bucket") if size is None else size
    )


def test_waiters_of_one_bucket_stand_in_line(world: LockWorld) -> None:
    items = world.put([1])
    entries = [
        world.park(world.thread(name), items + MUTEX, since=1000 * number)
        for number, name in enumerate(("a", "b", "c"))
    ]
    lot = read_buckets(world.memory, world.layout, table(world))
    assert lot
    assert lot.complete
    assert [(w.entry, w.address, w.since) for w in lot.waiters] == [
        (e, items + MUTEX, 1000 * i) for i, e in enumerate(entries)
    ]


@pytest.mark.parametrize("damage", ["loop", "wild", "wrong bucket", "count"])
def test_a_damaged_bucket_is_told_and_ends(world: LockWorld, damage: str) -> None:
    items = world.put([1])
    first, second = (world.park(world.thread(name), items + MUTEX) for name in ("a", "b"))
    node = first + world.layout.offset("wait_entry", "node.next")
    if damage == "count":
        world.set(
            "Bucket",
            BUCKET_TABLE + (items + MUTEX) % BUCKETS * world.layout.size("Bucket"),
            num_waiters=7,
        )
    elif damage == "wrong bucket":
        world.set("wait_entry", second, addr=items + MUTEX + 1)
    else:
        world.set(
            "wait_entry", first, node__next=node if damage == "loop" else 0xDDDD_DDDD_DDDD_DDD0
        )
    lot = read_buckets(world.memory, world.layout, table(world))
    assert lot is not None
    assert not lot.complete
    assert [w.entry for w in lot.waiters] == ([first, second] if damage == "count" else [first])


def test_a_symbol_of_another_size_or_place_is_no_table(world: LockWorld) -> None:
    assert read_buckets(world.memory, world.layout, table(world, 64)) is None
    assert read_buckets(world.memory, world.layout, Symbol("buckets", 0xDEAD_0000)) is None
    assert read_buckets(world.memory, world.layout, None) is None
    assert read_buckets(world.memory, Layout(lambda name: None), table(world)) is None


def test_a_futex_is_an_entrys_semaphore_only_if_the_list_agrees(world: LockWorld) -> None:
    items = world.put([1])
    entry = world.park(world.thread("a"), items + MUTEX)
    futex = entry + world.layout.offset("wait_entry", "sema")
    found = waiter_at_futex(world.memory, world.layout, futex)
    assert found
    assert (found.entry, found.address) == (entry, items + MUTEX)
    assert waiter_at_futex(world.memory, world.layout, items) is None
    world.set("wait_entry", entry, node__prev=items)
    assert waiter_at_futex(world.memory, world.layout, futex) is None


# --- exception tables -----------------------------------------------------------------------------


def outer(limit: int) -> int:
    with memoryview(b"a"):
        for number in range(limit):
            with memoryview(b"b"), memoryview(b"c"):
                number += 1
    return limit


def test_the_depth_of_real_code_is_that_of_its_blocks() -> None:
    table = outer.__code__.co_exceptiontable  # type: ignore[attr-defined]
    depths = {handler_depth(table, index) for index in range(len(outer.__code__.co_code) // 2)}
    # Outside, in the outer block, in the loop (whose iterator is on the stack too), in both inner
    # blocks.
    assert {0, 1} <= depths
    assert max(depths) >= 3


@pytest.mark.parametrize(
    ("table", "index", "depth"),
    [
        (bytes([0x80 | 4, 6, 20, 1 << 1]), 3, 0),
        (bytes([0x80 | 4, 6, 20, 1 << 1]), 4, 1),
        (bytes([0x80 | 4, 6, 20, 1 << 1 | 1]), 9, 1),
        (bytes([0x80 | 4, 6, 20, 1 << 1]), 10, 0),
        # 100 = 1 * 64 + 36, in two groups of six bits.
        (bytes([0xC0 | 1, 36, 6, 20, 2 << 1]), 101, 2),
        (bytes([0x80 | 4, 6]), 4, 0),
        (b"", 0, 0),
        (b"\xff" * 40, 5, 0),
    ],
)
def test_an_exception_table(table: bytes, index: int, depth: int) -> None:
    assert handler_depth(table, index) == depth


# --- cycles --------------------------------------------------------------------------------------


def graph(*edges: tuple[int, int]) -> WaitGraph:
    """Threads that wait for threads; each waits for a lock of its own number, which all its holders
    have.
    """
    waits = {waiter: Wait(waiter, Lock(LockKind.LOCK, waiter)) for waiter, _ in edges}
    holds: dict[int, tuple[Hold, ...]] = {}
    for waiter, holder in edges:
        holds[waiter] = (
            *holds.get(waiter, ()),
            Hold(holder, waits[waiter].lock, Confidence.PROVEN),
        )
    return WaitGraph(waits, holds)


def cycles(found: WaitGraph) -> list[list[int]]:
    return [[edge.wait.lwp for edge in cycle] for cycle in found.cycles]


def test_cycles_are_found_each_once_from_the_lowest_thread_on() -> None:
    assert cycles(graph((3, 1), (1, 2), (2, 3), (9, 3))) == [[1, 2, 3]]
    assert cycles(graph((1, 2), (2, 1), (3, 4), (4, 3))) == [[1, 2], [3, 4]]
    assert cycles(graph((1, 1))) == [[1]]
    assert cycles(graph((1, 2), (2, 3))) == []


def test_edges_are_told_by_who_has_the_lock() -> None:
    found = graph((1, 5), (2, 5), (2, 6))
    assert [(e.wait.lwp, e.hold.lwp) for e in found.to_thread(5)] == [(1, 5), (2, 5)]
    assert found.to_thread(None) == []
    assert found.from_thread(2) == [*found.to_thread(5)[1:], *found.to_thread(6)]


def test_of_several_holders_any_may_close_the_cycle() -> None:
    assert cycles(graph((1, 5), (1, 6), (6, 1))) == [[1, 6]]


def test_a_long_chain_is_no_cycle_and_ends() -> None:
    found = graph(*((i, i + 1) for i in range(2000)))
    assert found.cycles == []
