"""The object header: counts, states, and what no object can have."""

from __future__ import annotations

import pytest

from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.header import (
    DEFERRED,
    IMMORTAL_LOCAL,
    Header,
    HeaderFormat,
)
from gdbext.target.protocol import Field, MemoryFault, Struct
from gdbext.wording import sentence
from unit.objects.object_world import HEAP, TID, VERSIONS, World


def header(**values: int) -> Header:
    """A legal 3.13 header but for ``values``."""
    fields = {
        "address": HEAP,
        "ob_tid": TID,
        "flags": None,
        "padding": 0,
        "mutex": 0,
        "gc_bits": 1,
        "ref_local": 1,
        "ref_shared": 0,
        "ob_type": HEAP + 64,
    }
    return Header(**{**fields, **values})  # type: ignore[arg-type]  # flags alone may be None


LEGAL = {
    "new object": {},
    "immortal": {"ob_tid": 0, "ref_local": IMMORTAL_LOCAL, "gc_bits": 0},
    "merged, two references": {"ob_tid": 0, "ref_local": 0, "ref_shared": 2 << 2 | 3},
    "shared below zero, local above": {"ref_local": 3, "ref_shared": -2 << 2},
    "queued": {"ref_shared": 2},
    "maybe weakref": {"ref_shared": 1},
    "locked, waiters": {"mutex": 3},
    "deferred in 3.13": {"gc_bits": 65, "ref_local": 2, "ref_shared": 2},
    "deferred in 3.14": {"flags": 0, "gc_bits": 65, "ref_local": 1, "ref_shared": DEFERRED << 2},
    "deferred, fewer counted references than the constant": {
        "flags": 0,
        "gc_bits": 65,
        "ref_local": 0,
        "ref_shared": DEFERRED - 3 << 2,
    },
    "static since 3.14": {"flags": 4, "ob_tid": 0, "ref_local": IMMORTAL_LOCAL, "gc_bits": 0},
    "dead, by its owner": {"ref_local": 0},
    "dead, merged": {"ob_tid": 0, "ref_local": 0, "ref_shared": 3},
    "collected": {"ob_tid": 2, "gc_bits": 5, "is_collecting": True},
    "collected, on a list": {
        "ob_tid": HEAP + 96,
        "ref_local": 0,
        "gc_bits": 4,
        "ref_shared": 7,
        "is_collecting": True,
    },
}
ILLEGAL = {
    "misaligned": ({"address": HEAP + 4}, "aligned"),
    "no type": ({"ob_type": 0}, "ob_type"),
    "fill of freed memory": ({"ob_type": 0xDDDDDDDDDDDDDDDD}, "ob_type"),
    "padding": ({"padding": 1}, "padding"),
    "flags": ({"flags": 0x8000}, "ob_flags"),
    "mutex": ({"mutex": 4}, "ob_mutex"),
    "gc bits": ({"gc_bits": 0x80}, "ob_gc_bits"),
    "unreachable without a collection": ({"gc_bits": 5}, "unreachable"),
    "dead object that was decref'd": ({"ref_local": IMMORTAL_LOCAL}, "immortal"),
    "immortal with shared references": (
        {"ob_tid": 0, "ref_local": IMMORTAL_LOCAL, "ref_shared": 4},
        "immortal",
    ),
    "local count": ({"ref_local": 0xDDDDDDDD}, "ob_ref_local"),
    "shared count": ({"ref_shared": 0x1234_5678_9ABC_DEF0}, "ob_ref_shared"),
    "below zero": ({"ref_local": 1, "ref_shared": -2 << 2}, "below zero"),
    "merged below zero": ({"ob_tid": 0, "ref_local": 0, "ref_shared": -1}, "below zero"),
    "merged with an owner": ({"ref_local": 0, "ref_shared": 7}, "owner"),
    "merged with a local count": ({"ob_tid": 0, "ref_local": 1, "ref_shared": 7}, "local"),
    "no thread": ({"ob_tid": 3}, "ob_tid"),
    "no address": ({"ob_tid": 1 << 60}, "ob_tid"),
}


@pytest.mark.parametrize("values", LEGAL.values(), ids=LEGAL)
def test_legal(values: dict[str, int]) -> None:
    assert header(**values).problems == ()


@pytest.mark.parametrize(("values", "word"), ILLEGAL.values(), ids=ILLEGAL)
def test_illegal(values: dict[str, int], word: str) -> None:
    problems = header(**values).problems
    assert any(word in sentence(problem.claim) for problem in problems), problems
    assert all(
        problem.broken and problem.about == values.get("address", HEAP) for problem in problems
    )


def test_counts() -> None:
    assert header(ref_local=2, ref_shared=5 << 2).refcount == 7
    assert header(ref_local=IMMORTAL_LOCAL).refcount is None
    assert header(flags=0, gc_bits=64, ref_local=1, ref_shared=(DEFERRED + 2) << 2).refcount == 3
    assert header(gc_bits=64, ref_local=2, ref_shared=2).refcount == 2
    assert header(ref_shared=7).shared_state == "merged"


@pytest.mark.parametrize(
    ("values", "dead"),
    [
        ({}, False),
        ({"ref_local": 0}, True),
        ({"ob_tid": 0, "ref_local": 0, "ref_shared": 3}, True),
        ({"ob_tid": 0, "ref_local": 0, "ref_shared": 7}, False),
        ({"ref_local": 0, "ref_shared": 4}, False),
        ({"ref_local": IMMORTAL_LOCAL}, False),
        # Uncounted references may keep it alive.
        ({"flags": 0, "gc_bits": 64, "ref_local": 0, "ref_shared": DEFERRED << 2}, False),
    ],
)
def test_dead_shape(values: dict[str, int], dead: bool) -> None:
    assert header(**values).is_dead_shape is dead


def test_words_for_people() -> None:
    assert header(gc_bits=1 | 2 | 16 | 32 | 64).gc_names == (
        "tracked",
        "finalized",
        "shared",
        "shared inline",
        "deferred",
    )
    assert header(gc_bits=32, flags=0).gc_names == ("alive",)
    assert (header(mutex=1).mutex_state, header(mutex=9).mutex_state) == ("locked", "damaged (0x9)")


@pytest.mark.parametrize("version", VERSIONS)
def test_read(version: str) -> None:
    world = World(version)
    address = world.object("int", ob_ref_local=3, ob_ref_shared=-4, ob_gc_bits=1, ob_mutex=1)
    found = HeaderFormat(world.layout).read(world.memory, address, False)
    assert (found.ob_tid, found.ref_local, found.ref_shared, found.gc_bits, found.mutex) == (
        TID,
        3,
        -4,
        1,
        1,
    )
    assert found.ob_type == world.types["int"]
    assert (found.flags is None) == version.startswith("3.13.")
    assert found.place("ob_type") == address + world.layout.offset("PyObject", "ob_type")


def test_unreadable() -> None:
    world = World()
    with pytest.raises(MemoryFault):
        HeaderFormat(world.layout).read(world.memory, 0x10, False)


def test_debug_offsets_are_enough() -> None:
    """Where only the place of ob_type is known, the header is the one that every free-threaded
    build has.
    """
    world = World()
    address = world.object("int")
    bare = Layout({"PyObject": Struct("PyObject", 32, {"ob_type": Field(24, 8)})}.get)
    assert HeaderFormat(bare).read(world.memory, address).ref_local == 1
