"""What threads' Python code says of the objects that they work on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.diagnosis.observe.accesses_by_code import _runs_once, _unshared
from gdbext.diagnosis.observe.observer import Observer
from unit.interpreter.test_code_facts import MAKES, STARTS, SUBMITS, WAITS, facts_of
from unit.objects.object_world import World

MAIN, WORKER = 1, 2
MAIN_CODE, WORKER_CODE = 0x100, 0x200


def test_a_damaged_stack_without_a_frame_runs_nothing() -> None:
    nothing_to_ask = cast(Observer, None)
    assert not _runs_once(nothing_to_ask, PythonStack(groups=((),)))


def observed(world: World, main: Frame, worker: Frame, facts: dict[int, CodeFacts]) -> Observer:
    """Two threads in a frame each."""
    stacks = {MAIN: PythonStack(((main,),)), WORKER: PythonStack(((worker,),))}
    threads = [SimpleNamespace(lwp=lwp) for lwp in stacks]
    session = SimpleNamespace(
        objects=world.objects,
        debugger=SimpleNamespace(threads=lambda: threads),
        python_stack=stacks.__getitem__,
        code_facts=facts.get,
    )
    return cast(Observer, SimpleNamespace(session=session))


@pytest.mark.parametrize(
    ("maker", "worker_reads", "is_over"),
    [("list", "other", True), ("list", "builder", False), ("dict", "other", False)],
)
def test_what_the_main_thread_did_before_it_handed_a_new_object_on(
    maker: str, worker_reads: str, is_over: bool
) -> None:
    """``builder = TreeBuilder(); builder.start(); submit(builder); wait()``, where the worker got
    it as an argument, or where it reads the global variable; or where something else gave it.
    """
    world = World()
    made = world.put([])
    classes = {name: world.objects.type_of(world.put(value)) for name, value in KINDS.items()}
    kind = classes[maker]
    assert kind is not None
    names = world.dict([(world.put("TreeBuilder"), kind.address), (world.put("builder"), made)])
    main = Frame(0, MAIN_CODE, "main", "a.py", 1, 15, names)
    facts = {
        MAIN_CODE: facts_of(f"{MAKES} {STARTS} {SUBMITS} {WAITS}"),
        WORKER_CODE: facts_of("LOAD_NAME:1" if worker_reads == "builder" else "LOAD_NAME:5"),
    }
    observer = observed(world, main, replace(main, code=WORKER_CODE), facts)
    start = next(o for o in facts[MAIN_CODE].operations if o.kind == "call-method")
    found = _unshared(observer, MAIN, main, facts[MAIN_CODE], start)
    assert found == (made if is_over else None)
    generator = replace(main, generator_owned=True)
    assert _unshared(observer, MAIN, generator, facts[MAIN_CODE], start) is None


KINDS: dict[str, object] = {"list": [], "dict": {}}
