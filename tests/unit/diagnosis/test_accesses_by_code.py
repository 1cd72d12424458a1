"""What threads' Python code says of the objects that they work on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame, FrameCode, PythonStack
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.diagnosis.observe.accesses_by_code import _runs_once, _unshared, by_code_of
from gdbext.diagnosis.observe.observer import Observer
from gdbext.model import Verdict
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


LIBRARY, PROGRAM = "/usr/lib/python3.13/sched.py", "/srv/jobs.py"
LOOPS_CODE, JOB_CODE, OTHER_CODE = 0x300, 0x400, 0x500


@pytest.mark.parametrize(
    ("file", "told"), [(PROGRAM, (39, "work", "clear")), (LIBRARY, None)], ids=["ours", "theirs"]
)
def test_a_librarys_loop_calls_the_functions_that_it_was_given(
    file: str, told: tuple[int, str, str] | None
) -> None:
    """``while True: action()``, at its end, where a job of the program's was called; it stands for
    the program's own line that runs the loop.
    """
    world = World()
    shared = world.put([])
    job = world.slotted("function", func_code=JOB_CODE)
    names = world.dict([(world.put("ring"), shared)])
    world.set("PyFunctionObject", job, func_globals=names)
    loop = Frame(
        0x9000, LOOPS_CODE, "run", LIBRARY, 151, 3, 0, {"action": job}, (), ("action", "q")
    )
    own = Frame(0x9100, OTHER_CODE, "work", PROGRAM, 39, 0, 0)
    code = FrameCode(JOB_CODE, "turn", file, 27, b"", 0, 0, {}, (), 0, 0, argument_count=0)
    calls = BytecodeOperation(2, "call", ("fast", 0), "action")
    clears = BytecodeOperation(0, "call-method", ("global", "ring"), "clear")
    facts = {
        LOOPS_CODE: CodeFacts(replace(code, address=LOOPS_CODE), (calls,), ((0, 9),)),
        JOB_CODE: CodeFacts(code, (clears,)),
    }
    observer = reading(world, {WORKER: (loop, own)}, facts, code)
    found = [a for a in by_code_of(observer, WORKER) if a.address == shared]
    assert [(a.line, a.function, a.operation.verb) for a in found] == ([told] if told else [])


def reading(
    world: World, stacks: dict[int, tuple[Frame, ...]], facts: dict[int, CodeFacts], code: FrameCode
) -> Observer:
    """Threads in those frames, the innermost first; one function that they are not in has
    a code object.
    """
    program = SimpleNamespace(
        is_library=lambda path: path == LIBRARY,
        own_frame=lambda lwp, frame: next(f for f in stacks[lwp] if f.file == PROGRAM),
    )
    session = SimpleNamespace(
        objects=world.objects,
        layout=world.layout,
        memory=world.memory,
        heap=SimpleNamespace(judge=lambda address: SimpleNamespace(verdict=Verdict.LIVE)),
        debugger=SimpleNamespace(threads=lambda: [SimpleNamespace(lwp=lwp) for lwp in stacks]),
        python_stack=lambda lwp: PythonStack((stacks[lwp],)),
        code_facts=facts.get,
        frame_reader=SimpleNamespace(code={code.address: code}.get),
    )
    parts = {"session": session, "program": program, "functions": None, "stack": None}
    return Observer(**cast("dict[str, Any]", parts))


@pytest.mark.parametrize(
    ("same_items", "calls", "told"),
    [
        (True, "sorted", (36, "worker", "clear")),
        (False, "sorted", None),
        (True, "work", None),
    ],
    ids=["the same", "of other objects", "a function of the program's"],
)
def test_what_a_call_runs_is_seen_in_a_thread_that_is_in_the_same_call(
    same_items: bool, calls: str, told: tuple[int, str, str] | None
) -> None:
    """``sorted(items)``, which calls the items' ``__lt__``: one thread is in that, the other one
    is in C code.  What a function of the program's does, its own code says.
    """
    world = World()
    shared = world.put([])
    job = world.slotted("function", func_code=JOB_CODE)
    names = [(world.put("ring"), shared), (world.put("work"), job)]
    items = world.put([1])
    others = items if same_items else world.put([2])
    mine = world.dict([*names, (world.put("items"), items)])
    theirs = world.dict([*names, (world.put("items"), others)])
    here = Frame(0x9100, OTHER_CODE, "worker", PROGRAM, 36, 2, mine)
    there = replace(here, address=0x9200, globals=theirs)
    inside = Frame(0x9300, LOOPS_CODE, "Item.__lt__", PROGRAM, 25, 4, theirs, {"self": 0x77})
    code = FrameCode(JOB_CODE, "work", PROGRAM, 27, b"", 0, 0, {}, (), 0, 0, argument_count=0)
    call = BytecodeOperation(2, "call", ("global", calls), calls, (("global", "items"),))
    clears = BytecodeOperation(0, "call-method", ("global", "ring"), "clear")
    facts = {
        OTHER_CODE: CodeFacts(replace(code, address=OTHER_CODE), (call,), ((0, 9),)),
        LOOPS_CODE: CodeFacts(replace(code, address=LOOPS_CODE), (clears,)),
        JOB_CODE: CodeFacts(code),
    }
    observer = reading(world, {MAIN: (inside, there), WORKER: (here,)}, facts, code)
    found = [a for a in by_code_of(observer, WORKER) if a.address == shared]
    assert [(a.line, a.function, a.operation.verb) for a in found] == ([told] if told else [])
    assert {a.lwp for a in found} <= {WORKER}
