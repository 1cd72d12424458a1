"""The chain of a thread's frames, damaged and in passing states."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.cpython.interpreter.data_stack import data_stack as data_stack_of
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


def data_stack(world: World, *executables: int) -> tuple[ThreadState, list[int]]:
    """A thread with a frame for each code object in its first chunk, the outermost first."""
    # Every code object here has no locals and no value stack.
    room = world.layout.offset("_PyInterpreterFrame", "localsplus")
    first = world.layout.offset("_PyStackChunk", "data") + 8
    size = first + room * len(executables)
    chunk = world.allocate(size + world.layout.size("_PyInterpreterFrame"))
    world.set("_PyStackChunk", chunk, previous=0, size=size)
    frames: list[int] = []
    for number, executable in enumerate(executables):
        address = chunk + first + room * number
        start = executable + world.layout.offset("PyCodeObject", "co_code_adaptive")
        words = {"f_executable": executable, "instr_ptr": start, "owner": 0}
        world.set("_PyInterpreterFrame", address, **words, previous=frames[-1] if frames else 0)
        frames.append(address)
    state = world.allocate(world.layout.size("PyThreadState"))
    world.set("PyThreadState", state, datastack_chunk=chunk, datastack_top=chunk + size)
    return replace(THREAD, address=state), frames


def test_a_generator_that_two_threads_run_leads_one_of_them_to_the_other(world: World) -> None:
    """Of the two links to a caller, the one that was written later is left."""
    run, worker = code(world, "run"), code(world, "worker")
    mine, frames = data_stack(world, run, worker)
    other_thread, others = data_stack(world, run, worker)
    other = frame(world, code(world, "other"), frame(world, 0, others[-1], C_STACK), GENERATOR)
    own = frame(world, code(world, "own"), frame(world, 0, frames[-1], C_STACK), GENERATOR)
    # One that has come to its end is not marked as a generator's any more.
    shared = frame(world, code(world, "shared"), frame(world, 0, other, C_STACK))
    mine = replace(mine, current_frame=shared)
    reader = FrameReader(world.memory, world.layout)

    def strangers() -> tuple[range, ...]:
        return data_stack_of(world.memory, world.layout, other_thread)

    found = reader.stack(mine, loop_frames=lambda: (shared, own), others=strangers)
    assert functions(found) == [["shared"], ["own"], ["worker", "run"]]
    assert found.groups[-1][0].address == frames[-1]
    assert found.problem is None
    # Without debug information no generator is found, and none of the other thread's is told.
    assert functions(reader.stack(mine, others=strangers)) == [["shared"], ["worker", "run"]]
    # It has come back from the generator, as if the other thread's code had called that.
    back = replace(mine, current_frame=others[-1])
    found = reader.stack(back, others=strangers)
    assert [f.address for f in found.frames] == frames[::-1]


def test_each_of_a_pipeline_of_shared_generators_may_lead_away(world: World) -> None:
    worker = code(world, "worker")
    mine, _ = data_stack(world, worker)
    other_thread, others = data_stack(world, worker)
    outer = frame(world, code(world, "outer"), frame(world, 0, others[-1], C_STACK), GENERATOR)
    inner = frame(world, code(world, "inner"), frame(world, 0, outer, C_STACK), GENERATOR)
    reader = FrameReader(world.memory, world.layout)
    found = reader.stack(
        replace(mine, current_frame=inner),
        loop_frames=lambda: (inner, outer),
        others=lambda: data_stack_of(world.memory, world.layout, other_thread),
    )
    assert functions(found) == [["inner"], ["outer"], ["worker"]]
    assert found.groups[-1][0].address != others[-1]


def test_a_thread_whose_generators_lead_home_keeps_them(world: World) -> None:
    mine, frames = data_stack(world, code(world, "worker"))
    shared = frame(world, code(world, "shared"), frame(world, 0, frames[0], C_STACK), GENERATOR)
    reader = FrameReader(world.memory, world.layout)
    found = reader.stack(replace(mine, current_frame=shared))
    assert functions(found) == [["shared"], ["worker"]]
    assert found.problem is None


def test_a_generator_whose_link_is_gone_is_resumed_by_the_newest_frame(world: World) -> None:
    mine, _ = data_stack(world, code(world, "run"), code(world, "worker"))
    shared = frame(world, code(world, "shared"), 0, GENERATOR)
    found = FrameReader(world.memory, world.layout).stack(replace(mine, current_frame=shared))
    assert functions(found) == [["shared"], ["worker", "run"]]


def functions(found: PythonStack) -> list[list[str]]:
    return [[frame.function for frame in group] for group in found.groups]


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
