"""Which dead or strange pointers prove something, and which the code may have had all the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "objects"))

from object_world import World

from gdbext.cpython.objects.decoded import Violation
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.expectations import SlotOwner, expected_by_dwarf
from gdbext.diagnosis.fault import Fault, Operand, goes_through
from gdbext.diagnosis.suspects import Suspect, Use, collect, forget_reassigned, matches
from gdbext.model import Confidence, Liveness, Verdict
from gdbext.target.protocol import NativeFrame, Signal, Variable

BEHIND = 0x123450


def fault(base: int, displacement: int = 0) -> Fault:
    operand = Operand(
        f"{displacement:#x}(%rax)", "rax", base, displacement, base + displacement, False
    )
    return Fault(Signal("SIGSEGV", "SEGV_MAPERR", base + displacement, 7), "mov", operand)


def use(level: int, **more: bool | str | None) -> Use:
    return Use(level, f"function_{level}", "v", None, "PyObject *", True, **more)  # type: ignore[arg-type]  # by name


def test_a_fault_inside_the_object_goes_through_it() -> None:
    world = World()
    lst = world.put([1])
    assert goes_through(world.memory, world.layout, fault(lst, 0x18), lst)


def test_a_fault_through_a_pointer_that_the_object_has() -> None:
    world = World()
    lst = world.put([1])
    world.set("PyListObject", lst, ob_item=BEHIND)
    assert goes_through(world.memory, world.layout, fault(BEHIND, 8), lst)
    assert not goes_through(world.memory, world.layout, fault(BEHIND + 0x40000, 8), lst)


def test_a_fault_through_a_pointer_that_its_type_has() -> None:
    world = World()
    tup = world.put((1,))
    kind = world.objects.field("PyObject", tup, "ob_type")
    world.set("PyTypeObject", kind, tp_name=BEHIND)
    assert goes_through(world.memory, world.layout, fault(BEHIND), tup)


@pytest.mark.parametrize(("displacement", "proves"), [(0, False), (0x68, True)])
def test_null_proves_only_a_type_that_is_not_there(displacement: int, proves: bool) -> None:
    world = World()
    lst = world.put([1])
    assert not goes_through(world.memory, world.layout, fault(0, displacement), lst)
    world.set("PyObject", lst, ob_type=0)
    assert goes_through(world.memory, world.layout, fault(0, displacement), lst) is proves


def test_a_parameter_that_was_assigned_to() -> None:
    world = World()
    other = world.put([1])
    inner = use(0, is_innermost=True)
    found = {
        other: [inner, Use(1, "proxy_str", "proxy", "tuple", "tp_str of tuple", True, is_self=True)]
    }
    forget_reassigned(found, world.objects)
    assert found[other][1].expected is None
    assert not found[other][1].is_self


def test_a_self_that_the_caller_passed_stays() -> None:
    world = World()
    other = world.put([1])
    own = Use(1, "tuplerepr", "v", "tuple", "tp_repr of tuple", True, is_self=True)
    found = {other: [use(0, is_innermost=True), own, use(2, passed_on=True)]}
    forget_reassigned(found, world.objects)
    assert found[other][1] is own


def test_what_is_at_fault_itself_stays() -> None:
    world = World()
    other = world.put([1])
    own = Use(
        0, "tuplerepr", "v", "tuple", "tp_repr of tuple", True, is_self=True, is_innermost=True
    )
    found = {other: [own]}
    forget_reassigned(found, world.objects)
    assert found[other] == [own]


def test_frames_that_end_an_object() -> None:
    world = World()
    lst = world.put([1])
    frames = [
        NativeFrame(0, 1, 1, "list_dealloc"),
        NativeFrame(1, 2, 2, "_Py_Dealloc"),
        NativeFrame(2, 3, 3, "list_repr"),
    ]
    variable = Variable("op", "PyObject *", lst, is_argument=True)
    found = collect(
        frames, [[variable]] * 3, [SlotOwner("list", None, "tp_dealloc"), None, None], world.layout
    )
    assert [u.is_ending for u in found[lst]] == [True, True, False]
    assert [u.is_trusted for u in found[lst]] == [True, True, True]


def test_a_doubtful_use_is_none_that_counts() -> None:
    assert not use(0, is_self=True, is_doubtful=True).is_trusted
    assert use(0, is_self=True).is_trusted


@pytest.mark.parametrize(
    ("kind", "expected", "fits"),
    [
        ("list", "list", True),
        ("list", "tuple", False),
        ("frozenset", "set", True),
        ("set", "frozenset", True),
    ],
)
def test_types_that_share_a_struct(kind: str, expected: str, fits: bool) -> None:
    world = World()
    address = world.put({"list": [1], "set": {1}, "frozenset": frozenset({1})}[kind])
    assert (
        matches(world.objects, world.objects.field("PyObject", address, "ob_type"), expected)
        is fits
    )


def self_of(owner: SlotOwner, dwarf: str = "PyObject *", module: str = "python") -> Use:
    world = World()
    lst = world.put([1])
    variable = Variable("self", dwarf, lst, is_argument=True)
    return collect(
        [NativeFrame(0, 1, 1, "f", module=module)], [[variable]], [owner], world.layout, "python"
    )[lst][0]


def test_a_function_of_several_types_does_not_tell_its_object() -> None:
    assert self_of(SlotOwner("dict_keys", None, "tp_repr")).expected == "dict_keys"
    assert self_of(SlotOwner("dict_keys", None, "tp_repr", is_shared=True)).expected is None


def test_an_extensions_own_struct_by_a_name_that_is_private_to_cpython() -> None:
    assert expected_by_dwarf("unionobject *") == "types.UnionType"
    assert expected_by_dwarf("unionobject *", is_in_interpreter=False) is None
    assert expected_by_dwarf("PyListObject *", is_in_interpreter=False) == "list"
    world = World()
    lst = world.put([1])
    frames = [
        NativeFrame(0, 1, 1, "area", module="shapes.so"),
        NativeFrame(1, 1, 1, "union_repr", module="python"),
    ]
    found = collect(
        frames,
        [[Variable("u", "unionobject *", lst, is_argument=True)]] * 2,
        [None, None],
        world.layout,
        "python",
    )
    assert [u.expected for u in found[lst]] == [None, "types.UnionType"]


KILLED = Fault(Signal("SIGABRT", 7, 6, "SI_USER", sender=8), from_outside=True)
ABORTED = Fault(Signal("SIGABRT", 7, 6, "SI_TKILL", sender=7))


@pytest.mark.parametrize(
    ("fault", "died_of_it"),
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
def test_what_an_abort_came_of(fault: Fault, died_of_it: bool) -> None:
    case = Case.__new__(Case)
    frames = [
        NativeFrame(0, 1, 1, "_Py_FatalErrorFunc", module="python"),
        NativeFrame(1, 1, 1, "list_dealloc", module="python"),
    ]
    vars(case).update(
        fault=fault, native_frames=frames, interpreter_module="python", eval_levels=[]
    )
    dead = Suspect(BEHIND, [use(1)], Liveness(BEHIND, Verdict.FREED, Confidence.PROVEN))
    assert case.died_of(dead) is died_of_it


# --- which suspect is the root ------------------------------------------------------------------------


SHAPES = "shapes.so"


def dead(address: int, *uses: Use) -> Suspect:
    return Suspect(address, list(uses), Liveness(address, Verdict.FREED, Confidence.PROVEN))


def stopped(
    suspects: Sequence[Suspect],
    evals: Sequence[int] = (),
    world: World | None = None,
    **parts: object,
) -> Case:
    """A case of these suspects, whose eval loops are at the given levels."""
    world = world or World()
    case = Case.__new__(Case)
    session = SimpleNamespace(objects=world.objects, memory=world.memory, layout=world.layout)
    vars(case).update(
        session=session,
        suspects=list(suspects),
        eval_levels=list(evals),
        interpreter_module="python",
        **parts,
    )
    return case


def test_the_current_python_operations_pointer_comes_before_one_from_further_out() -> None:
    inner, outer = dead(BEHIND, use(1, is_self=True)), dead(BEHIND + 0x100, use(5, is_self=True))
    assert stopped([inner, outer], evals=[3]).root is inner
    assert stopped([inner, outer]).root is outer, "in one operation the outermost is the first"
    assert (
        stopped(
            [replace(inner, liveness=Liveness(BEHIND, Verdict.LIVE, Confidence.LIKELY)), outer],
            evals=[3],
        ).root
        is outer
    )


def test_a_living_object_whose_field_leads_to_a_dead_one_is_not_the_bad_pointer() -> None:
    gone = dead(BEHIND, use(2, is_self=True))
    holder = Suspect(
        BEHIND + 0x100,
        [use(4, is_self=True)],
        Liveness(BEHIND + 0x100, Verdict.LIVE, Confidence.LIKELY),
    )
    holder.violations = [Violation("m_self", "is no object", BEHIND + 0x118, BEHIND)]
    assert stopped([gone, holder]).root is gone
    holder.violations = [Violation("m_ml", "is no method", BEHIND + 0x110, 0x41)]
    assert stopped([gone, holder]).root is holder


def typed_by(
    level: int, evals: Sequence[int] = (), world: World | None = None
) -> tuple[Suspect, Suspect, Case]:
    """A freed object that a function at a level has, the pointer in its ``ob_type`` that one at level 1 was given, and the case."""
    world = world or World()
    holder, kind = world.put([1]), world.types["tuple"]
    world.set("PyObject", holder, ob_type=kind)
    item, read = dead(holder, use(level, is_doubtful=True)), dead(kind, use(1, is_self=True))
    return item, read, stopped([read, item], evals, world)


def test_a_type_that_was_read_from_a_bad_object_makes_that_object_the_root() -> None:
    item, _, case = typed_by(level=2)
    assert case.root is item


def test_a_type_was_not_read_from_what_another_operation_or_a_function_further_in_has() -> None:
    for level, evals in ((4, [3]), (0, [])):
        _, read, case = typed_by(level, evals)
        assert case.root is read


def test_a_bad_object_of_another_type_is_not_where_it_was_read_from() -> None:
    world = World()
    item, read, case = typed_by(2, world=world)
    world.set("PyObject", item.address, ob_type=BEHIND)
    assert case.root is read


def test_a_type_that_a_sound_object_has_was_not_read_from_a_bad_one() -> None:
    item, read, case = typed_by(level=2)
    item.liveness = Liveness(item.address, Verdict.LIVE, Confidence.LIKELY)
    assert case.root is read


# --- objects that are being ended ---------------------------------------------------------------------


ENDING = Use(
    2, "list_dealloc", "op", "list", "tp_dealloc of list", True, is_self=True, is_ending=True
)


def given(level: int, function: str, **more: bool) -> Use:
    return Use(level, function, "op", None, "PyObject *", True, **more)


def test_a_deallocator_gave_its_object_to_the_functions_further_in() -> None:
    found = dead(
        BEHIND, given(0, "PyObject_Hash"), given(1, "list_length"), ENDING, given(3, "Py_DECREF")
    )
    assert list(found.given_while_ending()) == [0, 1]


@pytest.mark.parametrize(
    "function", ["PyObject_GC_Del", "PyMem_Free", "mi_free", "subtype_dealloc", "list_freelist_put"]
)
def test_a_function_that_frees_may_be_left_with_a_dead_argument(function: str) -> None:
    assert list(dead(BEHIND, given(1, function), ENDING).given_while_ending()) == []


def test_a_local_was_given_to_nobody_and_what_is_not_being_ended_neither() -> None:
    assert (
        list(
            dead(
                BEHIND, replace(given(1, "list_length"), is_argument=False), ENDING
            ).given_while_ending()
        )
        == []
    )
    assert list(dead(BEHIND, given(1, "list_length")).given_while_ending()) == []


@pytest.mark.parametrize(("module", "again"), [("python", True), (SHAPES, False)])
def test_what_an_interpreters_function_was_given_by_a_deallocator_is_ended_again_if_it_is_gone(
    module: str, again: bool
) -> None:
    found = dead(BEHIND, given(1, "list_length"), ENDING)
    case = stopped(
        [found], native_frames=[NativeFrame(1, 1, 1, "list_length", module=module)], fault=KILLED
    )
    case._doubt(found)
    assert found.ended_again is again
    assert [u.is_doubtful for u in found.uses] == [not again] * 2, (
        "a deallocator alone may have freed its object itself"
    )


# --- what a binary operator is given ------------------------------------------------------------------


def test_a_binary_operator_is_called_with_any_object_on_either_side() -> None:
    def expected(slot: str) -> str | None:
        return self_of(SlotOwner("list", None, slot), "PyListObject *").expected

    assert expected("nb_add") is None
    assert [expected(slot) for slot in ("nb_inplace_add", "nb_bool", "sq_concat")] == ["list"] * 3
