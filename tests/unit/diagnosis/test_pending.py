"""What lies before a thread: what its loop will take from a queue, and whom that calls."""

from __future__ import annotations

import pytest

from gdbext.cpython.interpreter.calls import Callee
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.diagnosis.observe.pending import bound_to, stepped, waiting_in
from unit.objects.object_world import World

QUEUE = ("fast", 0)


@pytest.fixture
def world() -> World:
    return World()


def simple_queue(world: World, items: list[int], first: int, room: int) -> int:
    """A queue whose ring begins at ``first``."""
    ring = [0] * room
    for index, item in enumerate(items):
        ring[(first + index) % room] = item
    place = world.allocate(8 * room)
    world.memory.write(place, world.words(*ring))
    return world.slotted(
        "_queue.SimpleQueue",
        buf__get_idx=first,
        buf__items=place,
        buf__items_cap=room,
        buf__num_items=len(items),
    )


def taking(world: World, queue: int, name: str, kind: str = "call-method") -> list[int]:
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"queue": queue}, (), ("queue",))
    return list(waiting_in(world.objects, frame, BytecodeOperation(0, kind, QUEUE, name)))


def test_a_queues_items_wait_in_their_order(world: World) -> None:
    items = [world.put(n) for n in range(3)]
    queue = simple_queue(world, items, first=2, room=4)
    assert taking(world, queue, "get") == items
    assert taking(world, queue, "get_nowait") == items
    assert taking(world, queue, "put") == []


@pytest.mark.parametrize(("count", "room", "first"), [(9, 4, 0), (1, 4, 4), (1, 1 << 40, 0)])
def test_a_ring_that_cannot_be_has_no_items(
    world: World, count: int, room: int, first: int
) -> None:
    queue = simple_queue(world, [world.put(1)], first=0, room=4)
    world.set("simplequeueobject", queue, buf__get_idx=first)
    world.set("simplequeueobject", queue, buf__num_items=count, buf__items_cap=room)
    assert taking(world, queue, "get") == []


def test_a_list_is_a_queue_where_an_item_is_popped_or_walked(world: World) -> None:
    items = [world.put(n) for n in range(3)]
    jobs = world.list(items)
    assert taking(world, jobs, "pop") == items
    assert taking(world, jobs, "append") == []
    assert taking(world, jobs, "", kind="next") == items
    assert taking(world, world.put("text"), "", kind="next") == []


def test_a_frame_is_as_if_the_item_had_been_taken(world: World) -> None:
    function, argument = world.put("f"), world.put("x")
    names = ("queue", "job", "function", "arguments")
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"queue": 1, "job": 2}, (), names)
    pair = world.tuple((function, argument))
    assert bound_to(world.objects, frame, {1: None}, pair).slots == {"queue": 1, "job": pair}
    both = bound_to(world.objects, frame, {2: 0, 3: 1, 9: 0}, pair)
    assert both.slots == {"queue": 1, "job": 2, "function": function, "arguments": argument}
    assert bound_to(world.objects, frame, {1: 5}, pair).slots == {"queue": 1}


def test_who_steps_a_generator_or_a_task(world: World) -> None:
    generator = world.object("generator", world.layout.size("PyGenObject"))
    task = world.slotted("_asyncio.Task")
    shared = world.put([])

    def of(name: str, owner: int | None, *arguments: int) -> int | None:
        callee = Callee(function=1, owner=owner, arguments=arguments, name=name)
        return stepped(world.objects, callee)

    assert of("send", generator) == generator
    assert of("next", None, generator) == generator
    assert of("close", generator) is None
    assert of("next", None, shared) is None
    assert of("TaskWakeup", task) == task
