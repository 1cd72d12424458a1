"""FT106: whose memory was given back to an allocator, and when nothing is said of it."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.facts.cause import Cause
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.memory import AllocatorCall, HeapState, WrongFree
from gdbext.diagnosis.observe.call_target import Passed, called_function, passed_first
from gdbext.diagnosis.observe.heap_state import read_heap_state
from gdbext.diagnosis.observe.notes import ignore
from gdbext.diagnosis.observe.stack import Functions
from gdbext.diagnosis.observe.wrong_free import read_allocator_call, read_wrong_free
from gdbext.diagnosis.rules import ft105_heap_damage, ft106_wrong_free
from gdbext.diagnosis.rules.apply import findings
from gdbext.model import Confidence
from gdbext.target.protocol import NativeFrame, NativeThread, Symbol, Variable
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    ABORT,
    EXTENSION,
    GC,
    LWP,
    MEM,
    OBJECT,
    PYTHON,
    STANDARD,
    HeapWorld,
    session_of,
    stack_of,
)

LIBC = "/usr/lib/libc.so.6"
C_HEAP = 0x5555_0000_0000
CODE, STUB, TABLE, TARGET = 0x1000, 0x2000, 0x3000, 0x7F00_0000_1230


def call(function: str, pointer: int | None) -> AllocatorCall:
    """A call that an extension's function made."""
    return AllocatorCall(
        function=function,
        is_cpythons=function.startswith("Py"),
        level=3,
        caller="buffer_dealloc",
        pointer=pointer,
    )


def wrong(world: HeapWorld, function: str, pointer: int | None) -> WrongFree | None:
    session = session_of(world)
    return read_wrong_free(session, call(function, pointer))


def said(found: WrongFree | None) -> str:
    facts = Facts(
        fault=Fault(signal=ABORT, library_message="free(): invalid pointer"),
        stack=stack_of(),
        heap=HeapState(wrong_free=found),
    )
    if found is not None:
        assert not list(ft105_heap_damage.check(facts)), "both heaps are sound"
    return "; ".join(sentence(f.title) for f in ft106_wrong_free.check(facts))


@pytest.mark.parametrize("function", ["free", "realloc", "delete[]"])
@pytest.mark.parametrize(("tag", "api"), [(MEM, "PyMem_Malloc"), (OBJECT, "PyObject_Malloc")])
def test_a_block_of_mimalloc_given_to_the_c_library(function: str, tag: int, api: str) -> None:
    world = HeapWorld()
    found = wrong(world, function, world.page(tag, 128).take())
    assert found is not None
    assert found.confidence is Confidence.PROVEN
    assert said(found).endswith(f"buffer_dealloc gives a block of {api} to {function}")


def test_the_middle_of_a_block_and_an_objects_memory() -> None:
    world = HeapWorld()
    inside = wrong(world, "free", world.page(MEM, 128).take() + 32)
    assert "the middle of a block of PyMem_Malloc, which no allocator gave out" in said(inside)
    assert inside is not None
    assert inside.confidence is Confidence.LIKELY, "a damaged pointer may lead there"
    of_object = wrong(world, "free", world.page(GC, 64).object("list"))
    assert "gives the memory of an object to free" in said(of_object)
    assert of_object is not None
    assert of_object.confidence is Confidence.LIKELY


def test_what_is_not_in_use_may_have_been_freed_rightly_before() -> None:
    world = HeapWorld()
    page = world.page(MEM, 128)
    block = page.take()
    page.free(block)
    assert wrong(world, "free", block) is None


def test_mimallocs_own_block_is_given_to_it_rightly() -> None:
    world = HeapWorld()
    assert wrong(world, "PyMem_Free", world.page(MEM, 128).take()) is None
    assert wrong(world, "PyMem_Free", None) is None


def c_heap(world: HeapWorld) -> int:
    """A heap of malloc() of two chunks in use and what was not handed out yet; the first's data."""
    world.map(C_HEAP, 0x1000)
    for at, size in ((0, 0x20), (0x20, 0x40), (0x60, 0xFA0)):
        world.memory.write(C_HEAP + at + 8, struct.pack("<Q", size | 1))
    return C_HEAP + 16


def test_a_block_of_malloc_given_to_mimalloc() -> None:
    world = HeapWorld()
    found = wrong(world, "PyMem_Free", c_heap(world))
    assert found is not None
    assert found.confidence is Confidence.PROVEN
    assert "gives a block of malloc() to PyMem_Free" in said(found)


def test_mallocs_own_block_is_given_to_it_rightly_and_its_middle_is_not() -> None:
    world = HeapWorld()
    block = c_heap(world)
    assert wrong(world, "free", block) is None
    inside = wrong(world, "free", block + 8)
    assert "the middle of a block of malloc, which no allocator gave out" in said(inside)
    assert inside is not None
    assert inside.confidence is Confidence.LIKELY


def test_where_a_block_of_malloc_could_begin_one_may_have_been_freed_before() -> None:
    """Freed blocks become one, and a part of that is given out again: threads that free one block
    twice show this, too.
    """
    world = HeapWorld()
    second = c_heap(world) + 0x20
    inside = wrong(world, "free", second + 16)
    assert inside is not None
    assert inside.confidence is Confidence.POSSIBLE
    facts = Facts(
        fault=Fault(signal=ABORT, library_message="free(): invalid pointer"),
        stack=stack_of(),
        heap=HeapState(wrong_free=inside),
    )
    assert [f.rule for f in findings(facts)] == ["FT105", "FT106"]
    title = sentence(findings(facts)[1].title)
    assert title.endswith("no block, or was one and has been freed before")


def test_what_was_not_handed_out_yet_is_nobodys_block() -> None:
    world = HeapWorld()
    assert wrong(world, "free", c_heap(world) + 0x200) is None


def test_raw_memory_is_mallocs_own() -> None:
    """``PyMem_RawFree`` dies in free() where a neighbour wrote over the heap."""
    world = HeapWorld()
    block = c_heap(world)
    assert wrong(world, "PyMem_RawFree", block) is None
    with_hooks = block + 16
    assert wrong(world, "PyMem_RawFree", with_hooks) is None


@pytest.mark.parametrize("function", ["free", "PyMem_Free"])
def test_a_librarys_data_is_no_block_at_all(function: str) -> None:
    world = HeapWorld()
    world.map(0x7F00_0000_0000, 0x1000, "/site/shapes.so")
    found = wrong(world, function, 0x7F00_0000_0100)
    assert "which no allocator gave out" in said(found)
    assert found is not None
    assert found.confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    ("function", "is_wrong"),
    [("PyMem_Free", False), ("PyObject_Free", True), ("PyMem_RawFree", True)],
)
def test_the_debug_hooks_letter_tells_apart_what_is_one_heap(function: str, is_wrong: bool) -> None:
    world = HeapWorld(hooks=True)
    page = world.page(MEM, 128)
    block = page.take()
    page.guard(block)
    world.memory.write(block + 8, b"m")
    assert (wrong(world, function, block + 16) is not None) is is_wrong


# --- whose code gave it back ----------------------------------------------------------------------

FREE = NativeFrame(0, 0x7F10_0000_0100, 0x7000, "free", module=LIBC)


def stopped_in_free_of(
    world: HeapWorld, pointer: int, module: str, message: str | None = None
) -> HeapState:
    """The C library's free() was given the pointer by a function of the module."""
    session = session_of(world)
    assert isinstance(session.debugger, FakeDebugger)
    mem = Variable("mem", "void *", pointer, is_argument=True)
    session.debugger.variable_lists[LWP, 0] = [mem]
    caller = NativeFrame(1, 0x1000, 0x7100, "array_dealloc", module=module)
    stack = stack_of(FREE, caller)
    functions = Functions(session)
    fault = Fault(signal=ABORT, library_message=message)
    return read_heap_state(session, functions, fault, stack, Cause(), ignore)


def test_only_code_that_chooses_among_allocators_can_choose_wrongly() -> None:
    """CPython's code, its standard modules' and the system's read a wrong pointer from damage."""
    world = HeapWorld()
    block = world.page(MEM, 128).take()
    found = stopped_in_free_of(world, block, EXTENSION).wrong_free
    assert found is not None
    assert found.call.caller == "array_dealloc"
    for module in (PYTHON, STANDARD, "/usr/lib/libstdc++.so.6"):
        assert stopped_in_free_of(world, block, module).wrong_free is None, module


def test_what_the_c_library_had_in_its_cache_is_its_own() -> None:
    """The pointer read now is another one: the object that it was taken from is freed, too."""
    world = HeapWorld()
    block = world.page(MEM, 128).take()
    message = "free(): double free detected in tcache 2"
    assert stopped_in_free_of(world, block, EXTENSION, message).wrong_free is None


def test_a_pointer_that_is_read_again_may_have_been_changed_since() -> None:
    world = HeapWorld()
    block = world.page(MEM, 128).take()
    again = replace(call("free", block), is_read_again=True)
    found = read_wrong_free(session_of(world), again)
    assert found is not None
    assert found.confidence is Confidence.LIKELY


@pytest.mark.parametrize(("threads", "is_read_again"), [(1, False), (2, True)])
def test_memory_stays_as_it_is_where_no_other_thread_runs(
    threads: int, is_read_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mov 0x10(%rbx),%rdi; call: nothing but memory has the pointer any more."""
    world = HeapWorld()
    block = world.page(MEM, 128).take()
    session = session_of(world)
    debugger = session.debugger
    assert isinstance(debugger, FakeDebugger)
    code = bytes.fromhex("488b7b10e800000000")
    debugger.map(CODE, 64)
    debugger.write(CODE, code)
    debugger.map(0x1110, 64)
    debugger.write_word(0x1120, block)
    debugger.register_sets[LWP, 1] = {"rbx": 0x1110, "rsp": 0x7100}
    debugger.thread_list = [NativeThread(LWP + n, n + 1, "") for n in range(threads)]
    caller = NativeFrame(1, CODE + len(code), 0x7100, "dealloc", module=EXTENSION)
    functions = Functions(session)
    monkeypatch.setattr(functions, "addresses", lambda *_: range(CODE, CODE + 64))
    found = read_allocator_call(session, functions, stack_of(FREE, caller))
    assert found is not None
    assert (found.pointer, found.is_read_again) == (block, is_read_again)


def test_the_chunk_that_free_went_back_to_is_not_what_it_was_given() -> None:
    """Where the size before a chunk was overwritten, ``_int_free`` changes its own ``p``."""
    world = HeapWorld()
    went_back_to = world.page(MEM, 128).take()
    session = session_of(world)
    assert isinstance(session.debugger, FakeDebugger)
    moved = Variable("p", "mchunkptr", went_back_to - 16, is_argument=True)
    session.debugger.variable_lists[LWP, 0] = [moved]
    inner = replace(FREE, function="_int_free")
    caller = NativeFrame(2, 0x1000, 0x7100, "array_dealloc", module=EXTENSION)
    stack = stack_of(inner, replace(FREE, level=1), caller)
    found = read_allocator_call(session, Functions(session), stack)
    assert found is not None
    assert found.function == "free"
    assert found.pointer is None


# --- which function was called, and with what -----------------------------------------------------


def debugger_with(code: bytes) -> FakeDebugger:
    debugger = FakeDebugger()
    for start in (CODE - 64, STUB, TABLE):
        debugger.map(start, 128)
    debugger.write(CODE, code)
    # endbr64; jmp *TABLE(%rip)
    debugger.write(STUB, b"\xf3\x0f\x1e\xfa\xff\x25" + struct.pack("<i", TABLE - STUB - 10))
    debugger.write_word(TABLE, TARGET)
    debugger.symbols = {"operator delete[](void*)": Symbol("operator delete[](void*)", TARGET, 16)}
    return debugger


def test_a_call_through_the_linkage_table_is_followed() -> None:
    debugger = debugger_with(b"\xe8" + struct.pack("<i", STUB - CODE - 5))
    assert called_function(debugger, CODE + 5) == "operator delete[](void*)"


def test_a_call_through_a_register_says_nothing() -> None:
    debugger = debugger_with(b"\x90\x90\x90\x90\xff\xd0")
    assert called_function(debugger, CODE + 6) is None


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("4889df", Passed(0x1111)),  # mov %rbx,%rdi
        ("488b7b10", Passed(0x2222, is_read_again=True)),  # mov 0x10(%rbx),%rdi
        (
            "4889fb488b7f10",
            Passed(0x2222, is_read_again=True),
        ),  # mov %rdi,%rbx; mov 0x10(%rdi),%rdi
        ("4889fb31db488b7f10", None),  # the same with rbx overwritten in between
        ("4889c7", None),  # mov %rax,%rdi: rax is not what it was
        ("4889df7500", None),  # mov %rbx,%rdi; jne: another path may lead here
        ("4889df4883c708", None),  # mov %rbx,%rdi; add $8,%rdi
    ],
)
def test_what_a_call_was_given_is_where_the_code_took_it(
    before: str, expected: Passed | None
) -> None:
    code = bytes.fromhex(before) + b"\xe8\0\0\0\0"
    debugger = debugger_with(code)
    debugger.map(0x1111 + 16, 8)
    debugger.write_word(0x1111 + 16, 0x2222)
    function = range(CODE, CODE + 64)
    assert passed_first(debugger, function, CODE + len(code), {"rbx": 0x1111}) == expected


def test_a_call_that_two_paths_share_was_given_what_one_of_them_took() -> None:
    """mov %rbx,%rdi; call; ret; mov %r12,%rdi; jmp to the call."""
    code = bytes.fromhex("4889df e800000000 c3 4c89e7 ebf5".replace(" ", ""))
    debugger = debugger_with(code)
    registers = {"rbx": 0x1111, "r12": 0x2222}
    function = range(CODE, CODE + len(code))
    assert passed_first(debugger, function, CODE + 8, registers) is None
    alone = range(CODE, CODE + 9)
    assert passed_first(debugger, alone, CODE + 8, registers) == Passed(0x1111)


def test_that_the_pointer_is_known_does_not_make_it_a_block_of_malloc() -> None:
    """CPython's code gave back what it read from damage: malloc's heap may be sound."""
    world = HeapWorld()
    block = world.page(MEM, 128).take()
    message = "free(): invalid pointer"
    heap = stopped_in_free_of(world, block, PYTHON, message)
    assert heap.call is not None
    assert heap.call.pointer == block
    fault = Fault(signal=ABORT, library_message=message)
    [found] = ft105_heap_damage.check(Facts(fault=fault, stack=stack_of(), heap=heap))
    assert found.confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    ("inner", "is_of_heap"), [(("strlen",), False), (("_int_malloc", "__libc_malloc"), True)]
)
def test_what_strdup_was_given_to_read_is_not_the_heap_s(
    inner: tuple[str, ...], is_of_heap: bool
) -> None:
    """strdup(NULL) dies before it allocates anything."""
    names = (*inner, "__strdup", "label")
    stack = stack_of(
        *(
            NativeFrame(
                level, 0x1000 * level, 0x7000, name, module=EXTENSION if name == "label" else LIBC
            )
            for level, name in enumerate(names)
        )
    )
    session = session_of(HeapWorld())
    found = read_allocator_call(session, Functions(session), stack)
    assert (found is not None) is is_of_heap
