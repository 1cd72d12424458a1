"""Which dead or strange pointers prove something, and which the code may have had all the same."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "objects"))

from object_world import World

from gdbext.debuggers.base import NativeFrame, Signal, Variable
from gdbext.model import Confidence, Liveness, Verdict
from gdbext.triage.case import Case
from gdbext.triage.expectations import SlotOwner, expected_by_dwarf
from gdbext.triage.fault import Fault, Operand, goes_through
from gdbext.triage.suspects import Suspect, Use, collect, forget_reassigned, matches

BEHIND = 0x123450


def fault(base: int, displacement: int = 0) -> Fault:
    operand = Operand(f"{displacement:#x}(%rax)", "rax", base, displacement, base + displacement, False)
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
    found = {other: [inner, Use(1, "proxy_str", "proxy", "tuple", "tp_str of tuple", True, is_self=True)]}
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
    own = Use(0, "tuplerepr", "v", "tuple", "tp_repr of tuple", True, is_self=True, is_innermost=True)
    found = {other: [own]}
    forget_reassigned(found, world.objects)
    assert found[other] == [own]


def test_frames_that_end_an_object() -> None:
    world = World()
    lst = world.put([1])
    frames = [NativeFrame(0, 1, 1, "list_dealloc"), NativeFrame(1, 2, 2, "_Py_Dealloc"), NativeFrame(2, 3, 3, "list_repr")]
    variable = Variable("op", "PyObject *", lst, is_argument=True)
    found = collect(frames, [[variable]] * 3, [SlotOwner("list", None, "tp_dealloc"), None, None], world.layout)
    assert [u.is_ending for u in found[lst]] == [True, True, False]
    assert [u.is_trusted for u in found[lst]] == [True, True, True]


def test_a_doubtful_use_is_none_that_counts() -> None:
    assert not use(0, is_self=True, is_doubtful=True).is_trusted
    assert use(0, is_self=True).is_trusted


@pytest.mark.parametrize(
    ("kind", "expected", "fits"),
    [("list", "list", True), ("list", "tuple", False), ("frozenset", "set", True), ("set", "frozenset", True)],
)
def test_types_that_share_a_struct(kind: str, expected: str, fits: bool) -> None:
    world = World()
    address = world.put({"list": [1], "set": {1}, "frozenset": frozenset({1})}[kind])
    assert matches(world.objects, world.objects.field("PyObject", address, "ob_type"), expected) is fits


def self_of(owner: SlotOwner, dwarf: str = "PyObject *", module: str = "python") -> Use:
    world = World()
    lst = world.put([1])
    variable = Variable("self", dwarf, lst, is_argument=True)
    return collect([NativeFrame(0, 1, 1, "f", module=module)], [[variable]], [owner], world.layout, "python")[lst][0]


def test_a_function_of_several_types_does_not_tell_its_object() -> None:
    assert self_of(SlotOwner("dict_keys", None, "tp_repr")).expected == "dict_keys"
    assert self_of(SlotOwner("dict_keys", None, "tp_repr", is_shared=True)).expected is None


def test_an_extensions_own_struct_by_a_name_that_is_private_to_cpython() -> None:
    assert expected_by_dwarf("unionobject *") == "types.UnionType"
    assert expected_by_dwarf("unionobject *", is_in_interpreter=False) is None
    assert expected_by_dwarf("PyListObject *", is_in_interpreter=False) == "list"
    world = World()
    lst = world.put([1])
    frames = [NativeFrame(0, 1, 1, "area", module="shapes.so"), NativeFrame(1, 1, 1, "union_repr", module="python")]
    found = collect(frames, [[Variable("u", "unionobject *", lst, is_argument=True)]] * 2, [None, None], world.layout, "python")
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
    frames = [NativeFrame(0, 1, 1, "_Py_FatalErrorFunc", module="python"), NativeFrame(1, 1, 1, "list_dealloc", module="python")]
    vars(case).update(fault=fault, native_frames=frames, interpreter_module="python", eval_levels=[])
    dead = Suspect(BEHIND, [use(1)], Liveness(BEHIND, Verdict.FREED, Confidence.PROVEN))
    assert case._died_of(dead) is died_of_it
