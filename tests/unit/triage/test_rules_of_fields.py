"""FT206 and FT205 for objects that are there: a header without a type, and what a NULL in a field has to do with the fault."""

from __future__ import annotations

import pytest
from case_world import EXTENSION, GC, SELF, HeapWorld, case_of, segfault

from gdbext.diagnosis.rules import fields, null
from gdbext.model import Confidence
from gdbext.wording import sentence


def test_a_static_type_without_a_type_of_its_own_was_never_readied() -> None:
    world = HeapWorld()
    kind = world.types["collections.deque"]
    world.set("PyObject", kind, ob_type=0)
    [found] = fields.broken_invariant(case_of(world, kind))
    assert (found.rule, found.confidence) == ("FT206", Confidence.LIKELY)
    assert sentence(found.title).endswith(
        "the static type collections.deque has no ob_type: PyType_Ready() was not called for it"
    )


def test_what_has_no_types_name_is_no_static_type() -> None:
    world = HeapWorld()
    for name in (0x1230, world.objects_world.cstring("not a name")):
        kind = world.types["collections.deque"]
        world.set("PyTypeObject", kind, tp_name=name)
        world.set("PyObject", kind, ob_type=0)
        [found] = fields.broken_invariant(case_of(world, kind))
        assert "is impossible" in sentence(found.title)


def headless_list(world: HeapWorld) -> int:
    """A list without a type, which has a name where a type object has its own."""
    lst = world.page(GC, 1024).object("list")
    world.set("PyTypeObject", lst, tp_name=world.objects_world.cstring("Shape"))
    world.set("PyObject", lst, ob_type=0)
    return lst


def test_a_heap_objects_header_without_a_type_is_impossible() -> None:
    world = HeapWorld()
    [found] = fields.broken_invariant(case_of(world, headless_list(world)))
    assert "the header of a dict is impossible" in sentence(found.title)


def test_an_impossible_header_beside_the_fault_may_be_one_that_is_not_built_yet() -> None:
    world = HeapWorld()
    [found] = fields.broken_invariant(
        case_of(world, headless_list(world), died_of=lambda suspect: False)
    )
    assert found.confidence is Confidence.POSSIBLE


@pytest.mark.parametrize(
    ("base", "field", "sure"),
    [
        (0, "ob_type", Confidence.LIKELY),
        (0, "ob_ref_local", Confidence.LIKELY),
        (0, "ob_ref_shared", Confidence.LIKELY),
        (0, "ob_tid", Confidence.POSSIBLE),
        (0x10, "ob_type", Confidence.POSSIBLE),
    ],
)
def test_an_access_to_the_header_of_null_is_that_of_an_item(
    base: int, field: str, sure: Confidence
) -> None:
    world = HeapWorld()
    fault = segfault(base, world.layout.offset("PyObject", field))
    stopped = case_of(world, world.page(GC, 64).object("dict"), module=EXTENSION, fault=fault)
    assert null.sure_of_null(stopped, stopped.root) is sure


def test_a_types_own_code_works_on_its_fields_wherever_it_reads() -> None:
    world = HeapWorld()
    stopped = case_of(world, world.page(GC, 64).object("dict"), use=SELF, fault=segfault(0, 0x48))
    assert null.sure_of_null(stopped, stopped.root) is Confidence.PROVEN
