"""Which dead or strange pointers prove something, and which the code may have had all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gdbext.cpython.allocator.kinds import is_kind_of
from gdbext.cpython.traits.functions import EVAL_LOOP
from gdbext.diagnosis.conclude.c_types import expected_by_dwarf
from gdbext.diagnosis.conclude.doubt import died_of, doubt
from gdbext.diagnosis.conclude.pointers import (
    collect,
    complete_selves,
    drop_stack,
    forget_reassigned,
    given_while_ending,
)
from gdbext.diagnosis.conclude.root import root_pointer
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CFrame, CrashStack, FrameVariable, SlotOwner
from gdbext.diagnosis.facts.pointers import BrokenField, Candidates, ObjectAt, Pointer, Use
from gdbext.diagnosis.observe.pointers import goes_through, read_object
from gdbext.model import Claim, Confidence, Evidence, Liveness, Verdict
from gdbext.target.protocol import NativeFrame, Signal
from unit.diagnosis.crash_world import segfault
from unit.objects.object_world import World

BEHIND = 0x123450
PYTHON, SHAPES = "python", "shapes.so"


def use(
    level: int,
    function: str | None = None,
    *,
    expected: str | None = None,
    is_argument: bool = True,
    is_self: bool = False,
    passed_on: bool = False,
    is_innermost: bool = False,
    is_ending: bool = False,
    is_doubtful: bool = False,
) -> Use:
    return Use(
        level=level,
        function=function or f"function_{level}",
        name="v",
        expected=expected,
        because=Claim("declared-as", type="PyObject *"),
        is_argument=is_argument,
        is_self=is_self,
        passed_on=passed_on,
        is_innermost=is_innermost,
        is_ending=is_ending,
        is_doubtful=is_doubtful,
    )


def pointer(
    address: int,
    *uses: Use,
    verdict: Verdict = Verdict.FREED,
    violations: Sequence[BrokenField] = (),
    ob_type: int | None = None,
) -> Pointer:
    confidence = Confidence.PROVEN if verdict.is_dead else Confidence.LIKELY
    liveness = Liveness(address, verdict, confidence)
    return Pointer(
        address=address,
        uses=uses,
        liveness=liveness,
        liveness_for_use=liveness,
        object=ObjectAt(address=address),
        end=address + 32,
        violations=tuple(violations),
        ob_type=ob_type,
    )


def stack(*frames: CFrame, evals: Sequence[int] = ()) -> CrashStack:
    """A stack whose eval loops are at the given levels."""
    loops = [NativeFrame(level, 1, 1, EVAL_LOOP, module=PYTHON) for level in evals]
    native = sorted([*loops, *(f.frame for f in frames)], key=lambda f: f.level)
    return CrashStack(
        lwp=7, native_frames=tuple(native), c_frames=frames, interpreter_module=PYTHON
    )


def frame(
    level: int,
    function: str,
    *values: int,
    kind: str = "PyObject *",
    owner: SlotOwner | None = None,
    module: str = PYTHON,
) -> CFrame:
    """A function that is given some objects."""
    variables = (
        FrameVariable(f"v{n}", kind, v, is_argument=True, is_object=True)
        for n, v in enumerate(values)
    )
    native = NativeFrame(level, level + 1, level + 1, function, module=module)
    return CFrame(native, tuple(variables), owner)


def known(world: World, *addresses: int) -> Candidates:
    return Candidates(objects={a: read_object(world.objects, a) for a in addresses})


# --- what a fault goes through --------------------------------------------------------------------


def test_a_fault_inside_the_object_goes_through_it() -> None:
    world = World()
    lst = world.put([1])
    assert goes_through(world.memory, world.layout, segfault(lst, 0x18), lst)


def test_a_fault_through_a_pointer_that_the_object_has() -> None:
    world = World()
    lst = world.put([1])
    world.set("PyListObject", lst, ob_item=BEHIND)
    assert goes_through(world.memory, world.layout, segfault(BEHIND, 8), lst)
    assert not goes_through(world.memory, world.layout, segfault(BEHIND + 0x40000, 8), lst)


def test_a_fault_through_a_pointer_that_its_type_has() -> None:
    world = World()
    tup = world.put((1,))
    kind = world.objects.field("PyObject", tup, "ob_type")
    world.set("PyTypeObject", kind, tp_name=BEHIND)
    assert goes_through(world.memory, world.layout, segfault(BEHIND), tup)


@pytest.mark.parametrize(("displacement", "proves"), [(0, False), (0x68, True)])
def test_null_proves_only_a_type_that_is_not_there(displacement: int, proves: bool) -> None:
    world = World()
    lst = world.put([1])
    assert not goes_through(world.memory, world.layout, segfault(0, displacement), lst)
    world.set("PyObject", lst, ob_type=0)
    assert goes_through(world.memory, world.layout, segfault(0, displacement), lst) is proves


# --- which pointers are in use --------------------------------------------------------------------


def test_a_parameter_that_was_assigned_to() -> None:
    world = World()
    other = world.put([1])
    own = use(1, "proxy_str", expected="tuple", is_self=True)
    found = forget_reassigned({other: (use(0, is_innermost=True), own)}, known(world, other))
    assert found[other][1].expected is None
    assert not found[other][1].is_self


def test_a_self_that_the_caller_passed_stays() -> None:
    world = World()
    other = world.put([1])
    own = use(1, "tuplerepr", expected="tuple", is_self=True)
    uses = (use(0, is_innermost=True), own, use(2, passed_on=True))
    assert forget_reassigned({other: uses}, known(world, other))[other][1] is own


def test_what_is_at_fault_itself_stays() -> None:
    world = World()
    other = world.put([1])
    own = use(0, "tuplerepr", expected="tuple", is_self=True, is_innermost=True)
    assert forget_reassigned({other: (own,)}, known(world, other))[other] == (own,)


def test_a_slots_self_that_the_compiler_left_no_location_for_was_passed_by_its_caller() -> None:
    world = World()
    lst = world.put([1])
    owner = SlotOwner("list", None, "tp_repr")
    stopped = stack(frame(0, "list_repr", owner=owner), frame(1, "PyObject_Repr", lst))
    found = complete_selves(collect(stopped), stopped, known(world, lst))
    assert [(u.level, u.is_self, u.expected) for u in found[lst]] == [
        (0, True, "list"),
        (1, False, None),
    ]
    other = World().put((1,))
    stopped = stack(frame(0, "list_repr", owner=owner), frame(1, "PyObject_Repr", other))
    assert len(complete_selves(collect(stopped), stopped, known(world, lst))[other]) == 1


def test_no_object_lies_on_a_stack() -> None:
    found = {0x7000: (use(0),), 0x8000: (use(0),)}
    assert list(drop_stack(found, Candidates(stack=(0x7000, 0x8000)))) == [0x8000]
    assert drop_stack(found, Candidates()) == found


def test_frames_that_end_an_object() -> None:
    lst = World().put([1])
    stopped = stack(
        frame(0, "list_dealloc", lst, owner=SlotOwner("list", None, "tp_dealloc")),
        frame(1, "_Py_Dealloc", lst),
        frame(2, "list_repr", lst),
    )
    found = collect(stopped)[lst]
    assert [u.is_ending for u in found] == [True, True, False]
    assert [u.is_trusted for u in found] == [True, True, True]


def test_a_doubtful_use_does_not_count() -> None:
    assert not use(0, is_self=True, is_doubtful=True).is_trusted
    assert use(0, is_self=True).is_trusted


@pytest.mark.parametrize(
    ("kind", "expected", "fits"),
    [
        ("list", "list", True),
        ("list", "tuple", False),
        ("frozenset", "set", True),
        ("set", "frozenset", True),
        ("list", "object", True),
    ],
)
def test_types_that_share_a_struct(kind: str, expected: str, fits: bool) -> None:
    world = World()
    address = world.put({"list": [1], "set": {1}, "frozenset": frozenset({1})}[kind])
    info = world.objects.type_of(address)
    assert info is not None
    assert is_kind_of(world.objects, info, expected) is fits
    assert read_object(world.objects, address).is_a(expected) is fits


def self_of(owner: SlotOwner, dwarf: str = "PyObject *", module: str = PYTHON) -> Use:
    lst = World().put([1])
    return collect(stack(frame(0, "f", lst, kind=dwarf, owner=owner, module=module)))[lst][0]


def test_a_function_of_several_types_does_not_say_what_its_object_is() -> None:
    assert self_of(SlotOwner("dict_keys", None, "tp_repr")).expected == "dict_keys"
    assert self_of(SlotOwner("dict_keys", None, "tp_repr", is_shared=True)).expected is None


def test_an_extensions_own_struct_by_a_name_that_is_private_to_cpython() -> None:
    assert expected_by_dwarf("unionobject *") == "types.UnionType"
    assert expected_by_dwarf("unionobject *", is_in_interpreter=False) is None
    assert expected_by_dwarf("PyListObject *", is_in_interpreter=False) == "list"
    lst = World().put([1])
    found = collect(
        stack(
            frame(0, "area", lst, kind="unionobject *", module=SHAPES),
            frame(1, "union_repr", lst, kind="unionobject *"),
        )
    )
    assert [u.expected for u in found[lst]] == [None, "types.UnionType"]


def test_a_binary_operator_is_called_with_any_object_on_either_side() -> None:
    def expected(slot: str) -> str | None:
        return self_of(SlotOwner("list", None, slot), "PyListObject *").expected

    assert expected("nb_add") is None
    assert [expected(slot) for slot in ("nb_inplace_add", "nb_bool", "sq_concat")] == ["list"] * 3


# --- what an abort came of ------------------------------------------------------------------------

KILLED = Fault(signal=Signal("SIGABRT", 7, 6, "SI_USER", sender=8), from_outside=True)
ABORTED = Fault(signal=Signal("SIGABRT", 7, 6, "SI_TKILL", sender=7))


@pytest.mark.parametrize(
    ("abort", "died_of_it"),
    [
        (KILLED, False),
        (ABORTED, False),
        (replace(ABORTED, assertion="v->ob_size > 0"), True),
        (replace(ABORTED, assertion="very > 0"), False),
        (replace(ABORTED, fatal_error="negative refcount", fatal_object=BEHIND), True),
        (replace(ABORTED, fatal_error="negative refcount", fatal_object=BEHIND + 8), False),
        (replace(ABORTED, fatal_error="bad memory block"), True),
    ],
)
def test_what_an_abort_came_of(abort: Fault, died_of_it: bool) -> None:
    stopped = stack(frame(0, "_Py_FatalErrorFunc"), frame(1, "list_dealloc"))
    assert died_of(pointer(BEHIND, use(1)), abort, stopped) is died_of_it


def asserted(expression: str, level: int) -> bool:
    """Whether what ``v`` is at that level died: ``pop_job`` has the assertion, and ``push_job`` is
    inlined into it.
    """
    inlined = CFrame(replace(frame(2, "push_job", module=SHAPES).frame, is_inlined=True))
    stopped = stack(
        frame(0, "abort", module="libc.so.6"),
        frame(1, "__assert_fail", module="libc.so.6"),
        inlined,
        frame(3, "pop_job", module=SHAPES),
        frame(4, "run", module=SHAPES),
    )
    failed = replace(ABORTED, assertion=expression)
    return died_of(pointer(BEHIND, use(level)), failed, stopped)


@pytest.mark.parametrize(
    ("expression", "level", "expected"),
    [
        ("PyTuple_Check(v->args)", 3, True),
        ("n>v", 2, True),
        # A caller's variable of that name, and a field.
        ("PyTuple_Check(v->args)", 4, False),
        ("queue->v == NULL && list.v == NULL", 3, False),
    ],
)
def test_an_assertion_is_about_the_variables_of_its_own_function(
    expression: str, level: int, expected: bool
) -> None:
    assert asserted(expression, level) is expected


@pytest.mark.parametrize(("module", "expected"), [(PYTHON, True), (SHAPES, False)])
def test_an_extension_may_have_given_up_what_it_has_when_it_calls_the_interpreter(
    module: str, expected: bool
) -> None:
    """A second PyMutex_Unlock() says nothing of an argument that the function owned."""
    stopped = stack(
        frame(0, "_Py_FatalErrorFunc"), frame(1, "PyMutex_Unlock"), frame(2, "done", module=module)
    )
    unlocked = replace(ABORTED, fatal_error="unlocking mutex that is not locked")
    given = pointer(BEHIND, use(2, is_innermost=True))
    assert died_of(given, unlocked, stopped) is expected
    found = doubt(given, unlocked, stopped).liveness_for_use.confidence
    assert (found is Confidence.PROVEN) is expected


# --- which pointer is the root --------------------------------------------------------------------


def test_the_current_python_operations_pointer_comes_before_one_from_further_out() -> None:
    inner, outer = pointer(BEHIND, use(1, is_self=True)), pointer(BEHIND + 9, use(5, is_self=True))
    assert root_pointer([inner, outer], stack(evals=[3])) is inner
    assert root_pointer([inner, outer], stack()) is outer, (
        "in one operation the outermost is the first"
    )
    sound = pointer(BEHIND, use(1, is_self=True), verdict=Verdict.LIVE)
    assert root_pointer([sound, outer], stack(evals=[3])) is outer


def test_a_living_object_whose_field_leads_to_a_dead_one_is_not_the_bad_pointer() -> None:
    gone = pointer(BEHIND, use(2, is_self=True))

    def holder(field: str, value: int) -> Pointer:
        broken = BrokenField(field, Evidence("is not an object", BEHIND + 0x118, value))
        own = use(4, is_self=True)
        return pointer(BEHIND + 0x100, own, verdict=Verdict.LIVE, violations=[broken])

    assert root_pointer([gone, holder("m_self", BEHIND)], stack()) is gone
    broken = holder("m_ml", 0x41)
    assert root_pointer([gone, broken], stack()) is broken


KIND = 0x5000


def typed_by(
    level: int, *, ob_type: int = KIND, verdict: Verdict = Verdict.FREED
) -> tuple[Pointer, Pointer]:
    """(An object that a function at a level has, the pointer in its ``ob_type`` that one at 1 was
    given.)
    """
    item = pointer(BEHIND, use(level, is_doubtful=True), verdict=verdict, ob_type=ob_type)
    return item, pointer(KIND, use(1, is_self=True))


def test_a_type_that_was_read_from_a_bad_object_makes_that_object_the_root() -> None:
    item, read = typed_by(level=2)
    assert root_pointer([read, item], stack()) is item


def test_a_type_was_not_read_from_what_another_operation_or_a_function_further_in_has() -> None:
    for level, evals in ((4, [3]), (0, [])):
        item, read = typed_by(level)
        assert root_pointer([read, item], stack(evals=evals)) is read


def test_a_bad_object_of_another_type_is_not_where_it_was_read_from() -> None:
    item, read = typed_by(2, ob_type=BEHIND)
    assert root_pointer([read, item], stack()) is read


def test_a_type_that_a_sound_object_has_was_not_read_from_a_bad_one() -> None:
    item, read = typed_by(2, verdict=Verdict.LIVE)
    assert root_pointer([read, item], stack()) is read


# --- objects that are being ended -----------------------------------------------------------------


ENDING = use(2, "list_dealloc", expected="list", is_self=True, is_ending=True)


def test_a_deallocator_gave_its_object_to_the_functions_further_in() -> None:
    uses = (use(0, "PyObject_Hash"), use(1, "list_length"), ENDING, use(3, "Py_DECREF"))
    assert list(given_while_ending(uses)) == [0, 1]


@pytest.mark.parametrize(
    "function", ["PyObject_GC_Del", "PyMem_Free", "mi_free", "subtype_dealloc", "list_freelist_put"]
)
def test_a_function_that_frees_may_be_left_with_a_dead_argument(function: str) -> None:
    assert list(given_while_ending((use(1, function), ENDING))) == []


def test_a_local_was_given_to_nobody_and_what_is_not_being_ended_neither() -> None:
    assert list(given_while_ending((use(1, "list_length", is_argument=False), ENDING))) == []
    assert list(given_while_ending((use(1, "list_length"),))) == []


@pytest.mark.parametrize(("module", "again"), [(PYTHON, True), (SHAPES, False)])
def test_what_an_interpreters_function_was_given_by_a_deallocator_is_ended_again_if_it_is_gone(
    module: str, again: bool
) -> None:
    stopped = stack(frame(1, "list_length", module=module))
    found = doubt(pointer(BEHIND, use(1, "list_length"), ENDING), KILLED, stopped)
    assert found.ended_again is again
    assert [u.is_doubtful for u in found.uses] == [not again] * 2, (
        "a deallocator alone may have freed its object itself"
    )


# --- the two verdicts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "confidence"), [(PYTHON, Confidence.LIKELY), (SHAPES, Confidence.POSSIBLE)]
)
def test_a_dead_argument_beside_the_fault_is_dead_all_the_same(
    module: str, confidence: Confidence
) -> None:
    found = pointer(BEHIND, use(0, is_innermost=True))
    found = doubt(found, segfault(0x999000), stack(frame(0, "function_0", module=module)))
    assert found.liveness.confidence is Confidence.PROVEN, "the block's own verdict"
    assert found.liveness_for_use.confidence is confidence


def test_a_fault_through_the_dead_object_leaves_no_doubt() -> None:
    found = replace(pointer(BEHIND, use(0, is_self=True)), is_on_fault_path=True)
    assert doubt(found, segfault(BEHIND, 0x18), stack(frame(0, "function_0"))) == found
