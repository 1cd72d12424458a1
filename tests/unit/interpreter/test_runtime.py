"""Interpreters and thread states from bytes."""

from __future__ import annotations

import struct

import pytest

from fakes import FakeMemory, shipped_table
from gdbext.cpython.interpreter.runtime import read_runtime
from gdbext.cpython.layout.layout import Layout

RUNTIME, INTERPRETER, MAIN, WORKER = 0x10000000, 0x20000000, 0x30000000, 0x40000000


@pytest.fixture
def layout() -> Layout:
    table = shipped_table()
    return Layout(lambda name: None, None, table)


def thread(
    memory: FakeMemory, layout: Layout, address: int, next_: int, lwp: int, state: int, tid: int
) -> None:
    memory.map(address, layout.size("PyThreadState"))
    at = layout.struct("PyThreadState").offset
    memory.write_word(address + at("next"), next_)
    memory.write_word(address + at("interp"), INTERPRETER)
    memory.write_word(address + at("native_thread_id"), lwp)
    memory.write_word(address + at("thread_id"), tid)
    memory.write(address + at("state"), struct.pack("<i", state))
    memory.write_word(address + at("eval_breaker"), 32 | 64)


@pytest.fixture
def memory(layout: Layout) -> FakeMemory:
    found = FakeMemory()
    found.map(RUNTIME, 0x1000)
    found.map(INTERPRETER, layout.size("PyInterpreterState"))
    found.write_word(RUNTIME + layout.offset("_PyRuntimeState", "interpreters.head"), INTERPRETER)
    found.write_word(INTERPRETER + layout.offset("PyInterpreterState", "runtime"), RUNTIME)
    # The list has the newest thread first.
    found.write_word(INTERPRETER + layout.offset("PyInterpreterState", "threads.head"), WORKER)
    found.write_word(INTERPRETER + layout.offset("PyInterpreterState", "threads.main"), MAIN)
    thread(found, layout, WORKER, MAIN, 102, 0, 0x7F0000002000)
    thread(found, layout, MAIN, 0, 101, 1, 0x7F0000001000)
    return found


def test_threads_oldest_first(memory: FakeMemory, layout: Layout) -> None:
    runtime = read_runtime(memory, layout, RUNTIME)
    assert runtime.complete
    assert [(t.native_thread_id, t.state, t.is_main) for t in runtime.threads] == [
        (101, "attached", True),
        (102, "detached", False),
    ]


def test_lookup_by_tid_and_lwp(memory: FakeMemory, layout: Layout) -> None:
    runtime = read_runtime(memory, layout, RUNTIME)
    assert runtime.by_tid(0x7F0000002000) is runtime.by_lwp(102)
    assert runtime.by_tid(0) is None
    assert runtime.by_lwp(999) is None


def test_eval_breaker_in_words(memory: FakeMemory, layout: Layout) -> None:
    assert read_runtime(memory, layout, RUNTIME).threads[0].pending == [
        "please stop",
        "explicit merge",
    ]


def test_a_cycle_of_threads_ends_the_walk(memory: FakeMemory, layout: Layout) -> None:
    memory.write_word(MAIN + layout.offset("PyThreadState", "next"), WORKER)
    runtime = read_runtime(memory, layout, RUNTIME)
    assert not runtime.complete
    assert len(runtime.threads) == 2


def test_a_wild_thread_pointer_keeps_what_was_found(memory: FakeMemory, layout: Layout) -> None:
    memory.write_word(MAIN + layout.offset("PyThreadState", "next"), 0xDDDDDDDDDDDDDDDD)
    runtime = read_runtime(memory, layout, RUNTIME)
    assert not runtime.complete
    assert len(runtime.threads) == 2


def test_unreadable_runtime_is_empty(layout: Layout) -> None:
    runtime = read_runtime(FakeMemory(), layout, RUNTIME)
    assert (runtime.interpreters, runtime.complete) == ((), False)


def test_several_interpreters_in_order_of_id(memory: FakeMemory, layout: Layout) -> None:
    second = 0x50000000
    memory.map(second, layout.size("PyInterpreterState"))
    memory.write_word(second + layout.offset("PyInterpreterState", "id"), 1)
    memory.write_word(second + layout.offset("PyInterpreterState", "runtime"), RUNTIME)
    memory.write_word(second + layout.offset("PyInterpreterState", "next"), INTERPRETER)
    memory.write_word(RUNTIME + layout.offset("_PyRuntimeState", "interpreters.head"), second)
    runtime = read_runtime(memory, layout, RUNTIME)
    assert [i.id for i in runtime.interpreters] == [0, 1]
    assert runtime.complete


def test_a_pointer_to_something_else_is_no_interpreter(memory: FakeMemory, layout: Layout) -> None:
    """Its freelists would be called damaged, whatever stands there."""
    wrong = INTERPRETER + 8
    memory.write_word(INTERPRETER + layout.offset("PyInterpreterState", "next"), wrong)
    runtime = read_runtime(memory, layout, RUNTIME)
    assert [i.address for i in runtime.interpreters] == [INTERPRETER]
    assert not runtime.complete


def test_the_main_interpreter_is_one_whatever_it_says(memory: FakeMemory, layout: Layout) -> None:
    main = RUNTIME + layout.offset("_PyRuntimeState", "interpreters.main")
    memory.write_word(main, INTERPRETER)
    memory.write_word(INTERPRETER + layout.offset("PyInterpreterState", "runtime"), 0x41)
    runtime = read_runtime(memory, layout, RUNTIME)
    assert [i.address for i in runtime.interpreters] == [INTERPRETER]
    assert runtime.complete


@pytest.mark.parametrize(
    ("damaged", "count"),
    [(("interp",), 2), (("prev",), 2), (("interp", "prev"), 1)],
    ids=["interp", "prev", "both"],
)
def test_a_pointer_to_something_else_is_no_thread_state(
    damaged: tuple[str, ...], count: int, memory: FakeMemory, layout: Layout
) -> None:
    memory.write_word(MAIN + layout.offset("PyThreadState", "prev"), WORKER)
    for name in damaged:
        memory.write_word(MAIN + layout.offset("PyThreadState", name), 0x41)
    runtime = read_runtime(memory, layout, RUNTIME)
    assert len(runtime.threads) == count
    assert runtime.complete is (count == 2)


@pytest.mark.parametrize(("word", "count"), [(0x7F0000001000, 2), (0x41, 1)])
def test_what_was_written_over_still_names_a_thread_by_its_control_block(
    word: int, count: int, memory: FakeMemory, layout: Layout
) -> None:
    for name in ("interp", "prev"):
        memory.write_word(MAIN + layout.offset("PyThreadState", name), 0x41)
    memory.map(0x7F0000001000, 8)
    memory.write_word(0x7F0000001000, word)
    runtime = read_runtime(memory, layout, RUNTIME)
    assert len(runtime.threads) == count
    assert not runtime.complete
