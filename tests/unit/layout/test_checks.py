"""The tests of a layout, on a runtime of one interpreter and two threads that is made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes import VERSIONS, FakeMemory, shipped_table
from gdbext.cpython.layout.checks import check
from gdbext.cpython.layout.layout import Layout
from unit.layout.runtime_world import (
    DICT,
    INTERPRETER,
    MAIN,
    NAMES,
    OBJECT,
    QSBR,
    RUNTIME,
    TYPE,
    WORKER,
    World,
)

BUILDS = [(version, flavour) for version in VERSIONS for flavour in ("release", "debug")]


@pytest.fixture(params=BUILDS, ids="-".join)
def world(request: pytest.FixtureRequest) -> World:
    return World(Layout(lambda name: None, None, shipped_table(*request.param)))


def test_a_layout_that_fits_has_no_failures(world: World) -> None:
    assert world.failures() == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(
            lambda w: w.put("PyThreadState", MAIN, {"interp": RUNTIME}),
            "is of interpreter 0x100000",
            id="interp",
        ),
        pytest.param(
            lambda w: w.put("PyThreadState", MAIN, {"prev": 0}), "has 0x0 before it", id="prev"
        ),
        pytest.param(
            lambda w: w.put("PyThreadState", MAIN, {"thread_id": 0}),
            "has thread id 0x0 and LWP 11",
            id="thread id",
        ),
        pytest.param(
            lambda w: w.put("PyThreadState", MAIN, {"state": 77}), "in state 77", id="state"
        ),
        pytest.param(
            lambda w: w.put("PyInterpreterState", INTERPRETER, {"threads.head": 0}),
            "no interpreter has a thread",
            id="threads",
        ),
        pytest.param(
            lambda w: w.put("_PyRuntimeState", RUNTIME, {"interpreters.head": 0}),
            "interpreters is empty",
            id="head",
        ),
        pytest.param(
            lambda w: w.put("_PyRuntimeState", RUNTIME, {"interpreters.head": 0xBAD000}),
            "cannot read",
            id="unmapped head",
        ),
        pytest.param(
            lambda w: w.put("_PyRuntimeState", RUNTIME, {"interpreters.main": MAIN}),
            "is not in the list",
            id="main",
        ),
        pytest.param(
            lambda w: w.put("PyTypeObject", TYPE, {"ob_type": DICT}),
            "is not its own type",
            id="type of types",
        ),
        pytest.param(
            lambda w: w.put("PyTypeObject", DICT, {"tp_name": NAMES + 8}),
            "calls itself b'type",
            id="name",
        ),
        pytest.param(
            lambda w: w.put("PyTypeObject", DICT, {"tp_flags": 0}), "is not ready", id="flags"
        ),
        pytest.param(
            lambda w: w.put("PyTypeObject", OBJECT, {"ob_ref_local": 3}),
            "not immortal",
            id="immortal",
        ),
        pytest.param(
            lambda w: w.put("_PyThreadStateImpl", MAIN, {"brc.tid": 1}), "brc.tid is 0x1", id="brc"
        ),
        pytest.param(
            lambda w: w.put("_qsbr_thread_state", QSBR, {"tstate": WORKER}),
            "is another's",
            id="qsbr",
        ),
        pytest.param(
            lambda w: w.put(
                "mi_heap_t",
                MAIN + w.layout.offset("_PyThreadStateImpl", "mimalloc.heaps"),
                {"tag": 3},
            ),
            "heap 0 at",
            id="heap",
        ),
    ],
)
def test_each_thing_that_does_not_hold_is_said(
    world: World, damage: Callable[[World], None], words: str
) -> None:
    damage(world)
    assert any(words in failure for failure in world.failures()), world.failures()


@pytest.mark.parametrize(
    "damage",
    [
        {"thread_id": 0},
        {"state": 77},
        {"interp": 0x4141414141414141},
        {"prev": 0x4141414141414141},
        {"thread_id": 0x4141414141414141, "native_thread_id": 0x4141414141414141},
    ],
    ids="-".join,
)
def test_one_sound_thread_state_is_enough(world: World, damage: dict[str, int]) -> None:
    world.put("PyThreadState", WORKER, damage)
    assert world.failures() == []


def test_a_thread_state_that_leads_nowhere_hides_the_sound_ones_behind_it(world: World) -> None:
    world.put("PyThreadState", WORKER, {"next": 0x4141414141414141})
    assert any("cannot read" in failure for failure in world.failures())


def test_a_list_may_end_behind_the_sound_ones(world: World) -> None:
    world.put("PyThreadState", MAIN, {"next": 0x4141414141414141})
    assert world.failures() == []


def test_a_thread_state_without_heaps_is_no_proof_for_the_others(world: World) -> None:
    world.put("PyThreadState", MAIN, {"interp": RUNTIME, "state": 0})
    heaps = MAIN + world.layout.offset("_PyThreadStateImpl", "mimalloc.heaps")
    for index in range(4):
        world.put("mi_heap_t", heaps + index * world.layout.size("mi_heap_t"), {"tld": 0})
    assert world.failures() != []


@pytest.mark.parametrize("other", BUILDS, ids="-".join)
def test_the_layout_of_another_build_fails(world: World, other: tuple[str, str]) -> None:
    """Of all builds only the world's own fits."""
    layout = Layout(lambda name: None, None, shipped_table(*other))
    is_own = layout.size("_PyRuntimeState") == world.layout.size("_PyRuntimeState")
    assert (check(world.memory, layout, RUNTIME) == []) == is_own


def test_lists_that_bite_their_tails_end(world: World) -> None:
    world.put("PyThreadState", MAIN, {"next": WORKER})
    world.put("PyInterpreterState", INTERPRETER, {"next": INTERPRETER})
    assert world.failures() == []


def test_what_is_not_known_is_not_tested() -> None:
    assert check(FakeMemory(), Layout(lambda name: None), RUNTIME) == []
