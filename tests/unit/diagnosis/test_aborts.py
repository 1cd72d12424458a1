"""FT104, FT105 and FT405 from what the C library says when it aborts; FT404's words for
the fill.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.rules import (
    ft104_double_free,
    ft105_heap_damage,
    ft404_native_fault,
    ft405_abort,
)
from gdbext.model import Confidence, Finding
from gdbext.target.protocol import NativeFrame, Signal
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    ABORT,
    EXTENSION,
    MEM,
    PYTHON,
    HeapWorld,
    facts_of,
    segfault,
    stack_of,
)

FREED = 0xDDDD_DDDD_DDDD_DDDD
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
STACK = [
    NativeFrame(0, 0x10, 0x7000, "__pthread_kill_implementation", module=LIBC),
    NativeFrame(1, 0x11, 0x7010, "abort", module=LIBC),
    NativeFrame(2, 0x12, 0x7020, "__libc_message", module=LIBC),
    NativeFrame(3, 0x13, 0x7030, "free", module=LIBC),
    NativeFrame(4, 0x14, 0x7040, "shape_dealloc", module=EXTENSION),
]


def aborted(message: str | None) -> Facts:
    fault = Fault(signal=ABORT, library_message=message)
    return facts_of(HeapWorld(), fault=fault, stack=stack_of(*STACK))


def test_a_block_that_malloc_was_given_back_twice() -> None:
    stopped = aborted("free(): double free detected in tcache 2")
    [found] = ft104_double_free.check(stopped)
    assert (found.rule, found.confidence) == ("FT104", Confidence.PROVEN)
    assert [(sentence(e.claim), e.value) for e in found.evidence] == [
        ("the C library reported", "free(): double free detected in tcache 2"),
        ("#4 shape_dealloc called it", None),
    ]
    assert not list(ft105_heap_damage.check(stopped)), "nothing is damaged"


@pytest.mark.parametrize(
    ("runtime", "nameless", "by_name"),
    [
        ((), "in shapes.so (no symbols)", "called by shape_check"),
        (
            ("std::terminate",),
            "std::terminate() called by shapes.so (no symbols)",
            "std::terminate() called by shape_check",
        ),
    ],
)
def test_who_called_abort_is_never_the_caller_of_what_has_no_name(
    runtime: tuple[str, ...], nameless: str, by_name: str
) -> None:
    inner = [("abort", LIBC), *((name, "/lib/libstdc++.so.6") for name in runtime)]
    outer = [(None, EXTENSION), ("cfunction_call", PYTHON)]
    frames = [
        NativeFrame(level, 0x10 + level, 0x7000 + level, function, module=module)
        for level, (function, module) in enumerate([*inner, *outer])
    ]
    stopped = facts_of(HeapWorld(), fault=Fault(signal=ABORT), stack=stack_of(*frames))
    [found] = ft405_abort.check(stopped)
    assert sentence(found.title) == f"abort: {nameless}"
    named = replace(frames[-2], function="shape_check")
    frames[-2] = named
    stopped = facts_of(HeapWorld(), fault=Fault(signal=ABORT), stack=stack_of(*frames))
    [found] = ft405_abort.check(stopped)
    assert sentence(found.title) == f"abort: {by_name}"


@pytest.mark.parametrize("name", ["aborts", "raise", "kill_all", "_abort"])
def test_an_extensions_function_is_no_machinery_of_aborts_whatever_its_name(name: str) -> None:
    frames = [
        NativeFrame(0, 0x10, 0x7000, "__pthread_kill_implementation", module=LIBC),
        NativeFrame(1, 0x11, 0x7010, "abort", module=LIBC),
        NativeFrame(2, 0x12, 0x7020, name, module=EXTENSION),
        NativeFrame(3, 0x13, 0x7030, "cfunction_vectorcall_O", module=PYTHON),
    ]
    stopped = facts_of(HeapWorld(), fault=Fault(signal=ABORT), stack=stack_of(*frames))
    [found] = ft405_abort.check(stopped)
    assert sentence(found.title) == f"abort: called by {name}"


@pytest.mark.parametrize("module", [None, PYTHON])
def test_who_called_an_abort_that_is_linked_into_the_interpreter(module: str | None) -> None:
    frames = [
        NativeFrame(0, 0x11, 0x7010, "abort", module=module),
        NativeFrame(1, 0x12, 0x7020, "os_abort", module=PYTHON),
    ]
    stopped = facts_of(HeapWorld(), fault=Fault(signal=ABORT), stack=stack_of(*frames))
    [found] = ft405_abort.check(stopped)
    assert sentence(found.title) == "abort: called by os_abort"


@pytest.mark.parametrize(
    ("message", "confidence"),
    [
        ("malloc(): corrupted top size", Confidence.PROVEN),
        ("malloc_consolidate(): unaligned fastbin chunk detected", Confidence.PROVEN),
        ("corrupted size vs. prev_size while consolidating", Confidence.PROVEN),
        ("tcache_thread_shutdown(): unaligned tcache chunk detected", Confidence.PROVEN),
        ("invalid fastbin entry (free)", Confidence.PROVEN),
        # What was given back need not be a block of that heap.
        ("free(): invalid pointer", Confidence.LIKELY),
        ("realloc(): invalid next size", Confidence.LIKELY),
        ("munmap_chunk(): invalid pointer", Confidence.LIKELY),
        ("double free or corruption (!prev)", Confidence.LIKELY),
    ],
)
def test_the_c_librarys_damaged_heap(message: str, confidence: Confidence) -> None:
    [found] = ft105_heap_damage.check(aborted(message))
    assert (found.rule, found.confidence) == ("FT105", confidence)
    assert "PYTHONMALLOC" not in found.advice, "that is about CPython's heap"
    assert sentence(found.title).endswith(f"the C library found its heap damaged: {message}")
    assert not list(ft104_double_free.check(aborted(message)))


@pytest.mark.parametrize("message", ["*** stack smashing detected ***: terminated", None])
def test_another_abort_does_not_concern_the_heap(message: str | None) -> None:
    stopped = aborted(message)
    assert not list(ft104_double_free.check(stopped))
    assert not list(ft105_heap_damage.check(stopped))
    [found] = ft405_abort.check(stopped)
    assert sentence(found.title).endswith(message or "called by free")


def test_a_panic_of_rust_code_is_said_with_the_function_that_panicked() -> None:
    machinery = (
        "abort",
        "std::process::abort",
        "__rustc::rust_panic",
        "core::panicking::panic_bounds_check",
    )
    frames = [
        NativeFrame(
            level, 0x10 + level, 0x7000 + 16 * level, name, module=EXTENSION if level else LIBC
        )
        for level, name in enumerate((*machinery, "shapes::corner", "shapes::draw"))
    ]
    stopped = facts_of(HeapWorld(), fault=Fault(signal=ABORT), stack=stack_of(*frames))
    [found] = ft405_abort.check(stopped)
    assert sentence(found.title) == (
        "abort: a panic of Rust code in shapes::corner; its message went to stderr"
    )


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        (segfault(FREED, 0x18), FREED),
        (Fault(signal=Signal("SIGSEGV", 7, 11, "SI_KERNEL"), jumped_to=FREED), FREED),
        (segfault(FREED - 0x10, 0x18), None),
        (Fault(signal=Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0x40), jumped_to=0x40), None),
    ],
)
def test_a_native_fault_through_a_fill_says_what_memory_the_pointer_was_read_from(
    fault: Fault, value: int | None
) -> None:
    stack = stack_of(*STACK[4:])
    [found] = ft404_native_fault.check(facts_of(HeapWorld(hooks=True), fault=fault, stack=stack))
    fills = [e for e in found.evidence if "it is that fill" in sentence(e.claim)]
    assert [(e.value, e.broken) for e in fills] == ([(value, True)] if value else [])
    assert all("freed (0xDD)" in sentence(e.claim) and e is found.evidence[0] for e in fills)
    [plainly] = ft404_native_fault.check(facts_of(HeapWorld(hooks=False), fault=fault, stack=stack))
    assert not any("it is that fill" in sentence(e.claim) for e in plainly.evidence), (
        "only the debug hooks write fills"
    )


def test_a_failed_assertion_is_cpythons_only_where_cpythons_function_has_it() -> None:
    world = HeapWorld()
    page = world.page(MEM, 128)
    freed = page.take()
    page.free(freed)

    def found(function: str | None, module: str) -> list[Finding]:
        frames = [
            NativeFrame(0, 0x10, 0x7000, "__assert_fail", module=LIBC),
            NativeFrame(1, 0x11, 0x7010, function, module=module),
            NativeFrame(2, 0x12, 0x7020, "list_dealloc", module=PYTHON),
        ]
        fault = Fault(signal=ABORT, assertion="self->refcnt > 0")
        return list(
            ft104_double_free.check(facts_of(world, freed, fault=fault, stack=stack_of(*frames)))
        )

    assert found("list_clear", PYTHON)
    assert not found("shape_check", EXTENSION)
    assert not found(None, EXTENSION), "a stripped module's assertion is not its caller's"
