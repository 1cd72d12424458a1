"""The chain of a thread's frames, damaged and in passing states."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.cpython.interpreter.frames import FrameReader, PythonStack
from gdbext.cpython.interpreter.runtime import ThreadState
from unit.objects.object_world import World

GENERATOR, C_STACK = 1, 3
"""Owners of frames."""
THREAD = ThreadState(0, 0, 1, 2, "attached", 0, None, 0, None)


@pytest.fixture
def world() -> World:
    return World()


def code(world: World, name: str) -> int:
    address = world.object("code", world.layout.size("PyCodeObject") + 64)
    world.set(
        "PyCodeObject",
        address,
        ob_size=8,
        co_qualname=world.put(name),
        co_filename=world.put("a.py"),
        co_linetable=world.put(b""),
        co_localsplusnames=world.tuple(()),
        co_names=world.tuple(()),
    )
    return address


def frame(world: World, executable: int, previous: int, owner: int = 0) -> int:
    address = world.allocate(world.layout.size("_PyInterpreterFrame") + 64)
    place = executable + world.layout.offset("PyCodeObject", "co_code_adaptive")
    world.set(
        "_PyInterpreterFrame",
        address,
        f_executable=executable,
        previous=previous,
        instr_ptr=place,
        owner=owner,
    )
    return address


def stack(world: World, innermost: int) -> PythonStack:
    reader = FrameReader(world.memory, world.layout)
    return reader.stack(replace(THREAD, current_frame=innermost))


def test_a_frame_that_is_being_made_hides_none_of_its_callers(world: World) -> None:
    outer = frame(world, code(world, "outer"), 0)
    found = stack(world, frame(world, 0, outer))
    assert [f.function for f in found.frames] == ["outer"]
    assert found.problem is None


def test_a_damaged_code_object_hides_its_own_frame_alone(world: World) -> None:
    outer = frame(world, code(world, "outer"), 0)
    damaged = code(world, "damaged")
    world.set("PyCodeObject", damaged, co_qualname=world.none)
    middle = frame(world, damaged, outer)
    found = stack(world, frame(world, code(world, "inner"), middle))
    assert [f.function for f in found.frames] == ["inner", "outer"]
    assert found.problem == f"frame {middle:#x} has no code object; it is left out"


def test_a_shim_is_a_caller_too(world: World) -> None:
    outer = frame(world, code(world, "outer"), 0)
    shim = frame(world, 0, outer, owner=C_STACK)
    found = stack(world, frame(world, 0, shim))
    assert [[f.function for f in group] for group in found.groups] == [[], ["outer"]]


def thread(world: World, chunk: int, last: int) -> ThreadState:
    """A thread whose data stack is one chunk, from ``chunk`` up to and with the frame ``last``."""
    end = last + world.layout.size("_PyInterpreterFrame")
    world.set("_PyStackChunk", chunk, previous=0, size=end - chunk)
    state = world.allocate(world.layout.size("PyThreadState"))
    world.set("PyThreadState", state, datastack_chunk=chunk)
    return replace(THREAD, address=state)


def test_a_generator_that_two_threads_run_leads_one_of_them_to_the_other(world: World) -> None:
    """Of the two links to a caller, the one that was written later is left."""
    chunk = world.allocate(world.layout.size("_PyStackChunk"))
    run, worker = code(world, "run"), code(world, "worker")
    own = frame(world, worker, frame(world, run, 0))
    other_outer = frame(world, worker, frame(world, run, 0))
    other = frame(world, code(world, "other"), frame(world, 0, other_outer, C_STACK), GENERATOR)
    shared = frame(world, code(world, "shared"), frame(world, 0, other, C_STACK), GENERATOR)
    mine = replace(thread(world, chunk, own), current_frame=shared)
    reader = FrameReader(world.memory, world.layout)

    found = reader.stack(mine, loop_frames=lambda: (shared, own))
    assert [[f.function for f in group] for group in found.groups] == [
        ["shared"],
        ["worker", "run"],
    ]
    assert found.groups[1][0].address == own
    assert found.problem is not None
    assert "leads to a thread that runs the same generator" in found.problem
    # Without debug information nothing tells of the callers; those of others are no substitute.
    assert [f.function for f in reader.stack(mine).frames] == ["shared"]


def test_a_thread_whose_generators_lead_home_keeps_them(world: World) -> None:
    chunk = world.allocate(world.layout.size("_PyStackChunk"))
    own = frame(world, code(world, "worker"), 0)
    mine = thread(world, chunk, own)
    shared = frame(world, code(world, "shared"), frame(world, 0, own, C_STACK), GENERATOR)
    reader = FrameReader(world.memory, world.layout)
    found = reader.stack(replace(mine, current_frame=shared))
    assert [f.function for f in found.frames] == ["shared", "worker"]
    assert found.problem is None


@pytest.mark.parametrize("previous", [0, 0x10])
def test_a_chain_that_leads_nowhere_ends(world: World, previous: int) -> None:
    broken = frame(world, 0, previous)
    found = stack(world, broken)
    assert found.frames == []
    assert found.problem == f"frame {broken:#x} has no code object"


def test_where_a_frame_was_is_known_by_its_code_object_alone(world: World) -> None:
    executable = code(world, "worker")
    start = executable + world.layout.offset("PyCodeObject", "co_code_adaptive")
    reader = FrameReader(world.memory, world.layout)
    found = reader.frame_of(executable, start + 6)
    assert found is not None
    assert (found.function, found.file, found.lasti, found.slots) == ("worker", "a.py", 3, {})
    elsewhere = reader.frame_of(executable, start + 0x1000)
    assert elsewhere is not None
    assert (elsewhere.lasti, elsewhere.line) == (None, None)
    assert reader.frame_of(world.none, start) is None
