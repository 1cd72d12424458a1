"""Which of a thread's C functions work on what they have at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import FakeDebugger
from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.facts.accesses import Access, Proximity
from gdbext.diagnosis.facts.frames import CFrame, SlotOwner
from gdbext.diagnosis.facts.threads import ThreadStateFacts
from gdbext.diagnosis.observe.accesses_in_c import (
    _bound_method,
    _done,
    _with_outer,
    in_c,
    walked_without_lock,
)
from gdbext.diagnosis.observe.c_variables import outside_collector
from gdbext.diagnosis.observe.issue_features import _sites
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.observe.program_frames import ProgramFrames
from gdbext.diagnosis.observe.stack import Functions
from gdbext.model import Operation, OperationKind
from gdbext.target.protocol import NativeFrame, Variable
from unit.diagnosis.crash_world import LWP, PYTHON, facts_of, session_of, stack_of
from unit.heap.heap_world import GC, HeapWorld
from unit.interpreter.test_calls import method_of
from unit.objects.object_world import World


def test_the_garbage_collector_works_on_no_object() -> None:
    """It visits every object there is: what it dies of, others have left there."""
    names = ("visit_decref", "element_gc_traverse", "gc_collect_internal", "_Py_RunGC", "feed")
    frames = [NativeFrame(level, 0x10, 0x7000, name) for level, name in enumerate(names)]
    assert [f.function for f in outside_collector(frames)] == ["_Py_RunGC", "feed"]
    assert outside_collector(frames[3:]) == frames[3:]


def test_a_method_that_c_code_calls_is_what_is_done() -> None:
    """``deque(map(shared.append, items))`` asks for a deque: what it does to the array is to
    append.
    """
    asked = Operation(kind=OperationKind.CALL, name="deque")
    append = Operation(kind=OperationKind.METHOD, name="append", type="array.array")
    reduce = replace(append, name="__reduce_ex__")
    step = Operation(kind=OperationKind.SLOT, name="next", type="array.array", slot="tp_iternext")
    assert _done(asked, append) == append
    assert _done(asked, reduce) == _done(asked, step) == asked
    assert _done(None, reduce) == reduce


def test_a_bound_method_at_hand_says_what_is_done_to_its_object() -> None:
    world = World()
    shared = world.put([])
    module = world.slotted("module", md_dict=world.put({}))
    append = Operation(kind=OperationKind.METHOD, name="append", type="list")
    assert _bound_method(world.objects, method_of(world, shared, "append")) == (shared, append)
    assert _bound_method(world.objects, method_of(world, module, "heappop")) is None
    assert _bound_method(world.objects, method_of(world, 0xDDDD, "pop")) is None


def test_the_types_own_code_further_out_works_on_the_object_too() -> None:
    """``odict_copy(od)`` calls ``PyDict_GetItemWithError(op=od)``, which is there for all dicts."""
    inner = Access(
        lwp=1,
        address=0x1000,
        type="collections.OrderedDict",
        operation=Operation(kind=OperationKind.CALL, name="run"),
        effect=Effect.UNKNOWN,
        proximity=Proximity.INTERNAL,
    )
    frame = NativeFrame(3, 0x10, 0x7000, "odict_copy")
    own = Variable("od", "PyODictObject *", 0x1000, is_argument=True)
    copy = Operation(kind=OperationKind.METHOD, name="copy", type="collections.OrderedDict")
    helper = Operation(kind=OperationKind.C_FUNCTION, name="lookup")
    families = ("collections.OrderedDict", "dict")
    outer = _with_outer(inner, frame, own, families, copy, inner.operation)
    assert (outer.operation, outer.own_level, outer.proximity) == (copy, 3, Proximity.INSIDE)
    plain = Variable("op", "PyObject *", 0x1000, is_argument=True)
    assert _with_outer(inner, frame, plain, families, helper, inner.operation) == inner


@pytest.mark.parametrize(
    ("function", "is_argument", "crashed", "is_at_work"),
    [
        ("_Py_TryIncRefShared", True, LWP + 1, False),
        ("_Py_TryIncRefShared", True, LWP, True),
        ("list_append", True, LWP + 1, True),
        ("list_append", False, LWP + 1, True),
        ("_Py_dict_lookup_threadsafe", True, LWP + 1, True),
        ("_Py_dict_lookup_threadsafe", False, LWP + 1, False),
        ("_Py_dict_lookup_threadsafe", False, LWP, True),
    ],
)
def test_who_only_takes_a_reference_is_not_at_work_on_the_object(
    function: str, is_argument: bool, crashed: int, is_at_work: bool
) -> None:
    """Nor is who finds it in a dict; what died of it has at least met the object."""
    world = HeapWorld()
    shared = world.page(GC, 64).object("list", ob_ref_local=1)
    session = session_of(world)
    assert isinstance(session.debugger, FakeDebugger)
    session.debugger.frame_lists[LWP] = [NativeFrame(0, 0x10, 0x7000, function, module=PYTHON)]
    variable = Variable("op", "PyObject *", shared, is_argument=is_argument)
    session.debugger.variable_lists[LWP, 0] = [variable]
    observer = Observer(
        session=session,
        functions=Functions(session),
        program=ProgramFrames(session),
        stack=stack_of(lwp=crashed),
    )
    assert (shared in in_c(observer, LWP)) is is_at_work


def test_who_steps_an_iterator_reads_what_that_walks() -> None:
    """``odictiter_iternext(di)`` reads the nodes of ``di->di_odict``; a list's iterator locks."""
    world = World()
    odict = world.slotted("collections.OrderedDict")
    for name in ("odict_iterator", "list_iterator"):
        world.set("PyTypeObject", world.types[name], tp_iternext=0x40_9000)
    iterator = world.slotted("odict_iterator", di_odict=odict)
    assert list(walked_without_lock(world.objects, iterator)) == [odict]
    locked = world.slotted("list_iterator", it_seq=world.put([]))
    assert list(walked_without_lock(world.objects, locked)) == []
    cell = world.slotted("cell", ob_ref=odict)
    assert list(walked_without_lock(world.objects, cell)) == []


def test_what_only_the_crashed_thread_has_is_no_candidate_of_an_issue() -> None:
    """``list(map(str, errors))``: nobody else steps that ``map``."""
    frames = [
        CFrame(
            NativeFrame(level, 0x1000, 0x7000, function, "x.c", 1, PYTHON),
            (),
            SlotOwner(kind, 0x5000, slot),
        )
        for level, (function, kind, slot) in enumerate(
            [("OSError_str", "OSError", "tp_str"), ("map_next", "map", "tp_iternext")]
        )
    ]
    stack = stack_of(*(f.frame for f in frames), c_frames=frames)
    facts = facts_of(HeapWorld(), stack=stack)
    states = tuple(ThreadStateFacts(address=0x100 * n, lwp=n) for n in (1, 2))
    several = replace(facts, process=replace(facts.process, threads=states))
    levels = frozenset({0, 1})
    assert [set(s.types) for s in _sites(several, levels, frozenset())] == [{"OSError"}, {"map"}]
    assert [set(s.types) for s in _sites(several, levels, frozenset({1}))] == [{"OSError"}]
