"""FT206 and FT205 for objects that are there: a header without a type, and a NULL in a field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.diagnosis.conclude.nulls import sure_of_null
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.origin import Load, Origin
from gdbext.diagnosis.rules import ft205_null_slot, ft206_broken_object
from gdbext.model import Confidence
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    EXTENSION,
    GC,
    MEM,
    PYTHON,
    SELF,
    TAKEN,
    HeapWorld,
    facts_of,
    segfault,
    stack_of,
)


def test_a_static_type_without_a_type_of_its_own_was_never_readied() -> None:
    world = HeapWorld()
    kind = world.types["collections.deque"]
    world.set("PyObject", kind, ob_type=0)
    [found] = ft206_broken_object.check(facts_of(world, kind, fault=segfault(kind, 0x18)))
    assert (found.rule, found.confidence) == ("FT206", Confidence.LIKELY)
    assert sentence(found.title).endswith(
        "the static type collections.deque has no ob_type: PyType_Ready() was not called for it"
    )


def test_what_has_no_types_name_is_not_a_static_type() -> None:
    world = HeapWorld()
    for name in (0x1230, world.objects_world.cstring("not a name")):
        kind = world.types["collections.deque"]
        world.set("PyTypeObject", kind, tp_name=name)
        world.set("PyObject", kind, ob_type=0)
        [found] = ft206_broken_object.check(facts_of(world, kind))
        assert "is impossible" in sentence(found.title)


def test_the_first_item_of_a_list_may_be_the_null_that_was_hit() -> None:
    world = HeapWorld()
    lst, page = world.page(GC, 64).object("list"), world.page(MEM, 64)
    array = page.take()
    world.memory.write(array, world.objects_world.words(0, 0))
    world.set("PyListObject", lst, ob_size=1, ob_item=array + 8, allocated=1)
    use = replace(SELF, expected="list")
    [found] = ft205_null_slot.check(facts_of(world, lst, use=use, fault=segfault(0, 0x18)))
    assert found.container is not None
    assert (found.container.address, found.container.index) == (lst, 0)
    assert sentence(found.title).endswith("item 0 of a list is NULL")


def headless_list(world: HeapWorld) -> int:
    """A list without a type, which has a name where a type object has its own."""
    lst = world.page(GC, 1024).object("list")
    world.set("PyTypeObject", lst, tp_name=world.objects_world.cstring("Shape"))
    world.set("PyObject", lst, ob_type=0)
    return lst


def test_a_heap_objects_header_without_a_type_is_impossible() -> None:
    world = HeapWorld()
    lst = headless_list(world)
    [found] = ft206_broken_object.check(facts_of(world, lst, fault=segfault(lst, 0x18)))
    assert "the header of a dict is impossible" in sentence(found.title)
    assert found.confidence is Confidence.PROVEN


def test_an_impossible_header_beside_the_fault_may_be_one_that_is_not_built_yet() -> None:
    world = HeapWorld()
    [found] = ft206_broken_object.check(facts_of(world, headless_list(world)))
    assert found.confidence is Confidence.POSSIBLE


def sure_of(stopped: Facts) -> Confidence:
    assert stopped.cause.pointer is not None
    return sure_of_null(stopped.cause.pointer, stopped.fault, stopped.stack)


@pytest.mark.parametrize(
    ("reads_header", "sure"), [(True, Confidence.LIKELY), (False, Confidence.POSSIBLE)]
)
def test_an_access_to_the_header_of_null_is_that_of_an_item(
    reads_header: bool, sure: Confidence
) -> None:
    world = HeapWorld()
    fault = segfault(0, 0x18, reads_header=reads_header)
    stopped = facts_of(world, world.page(GC, 64).object("dict"), module=EXTENSION, fault=fault)
    assert sure_of(stopped) is sure


@pytest.mark.parametrize(
    ("modules", "sure"),
    [
        ((PYTHON, EXTENSION, EXTENSION), Confidence.POSSIBLE),
        # Python code gave it to the extension, whose function reads its items.
        ((PYTHON, EXTENSION, PYTHON), Confidence.LIKELY),
        ((PYTHON, PYTHON, EXTENSION), Confidence.LIKELY),
        ((EXTENSION, EXTENSION, EXTENSION), Confidence.POSSIBLE),
    ],
)
def test_an_extension_may_have_passed_on_another_null_than_that_of_a_tuple_it_is_making(
    modules: tuple[str, ...], sure: Confidence
) -> None:
    world = HeapWorld()
    frames = [
        NativeFrame(level, 0x1000 + level, 0x7000, name, module=module)
        for level, (name, module) in enumerate(
            zip(("PyUnicode_GetLength", "area", "describe"), modules)
        )
    ]
    fault = segfault(0, 0x18, reads_header=True)
    obj = world.page(GC, 64).object("dict")
    given = replace(TAKEN, level=1)
    assert sure_of(facts_of(world, obj, use=given, fault=fault, stack=stack_of(*frames))) is sure


def test_a_null_that_code_read_from_the_object_is_what_it_died_of() -> None:
    """Whoever did: a library that was given a field of the object, by its caller's instructions."""
    world = HeapWorld()
    obj = world.page(GC, 64).object("dict")
    for is_certain, sure in ((True, Confidence.LIKELY), (False, Confidence.POSSIBLE)):
        load = Load(place=obj + 0x20, value=0, base=obj, offset=0x20, is_certain=is_certain)
        fault = replace(segfault(0, 0x48), origin=Origin(loads=(load,)))
        assert sure_of(facts_of(world, obj, module=EXTENSION, fault=fault)) is sure


def test_a_types_own_code_works_on_its_fields_wherever_it_reads() -> None:
    world = HeapWorld()
    lst = world.page(GC, 64).object("dict")
    assert sure_of(facts_of(world, lst, use=SELF, fault=segfault(0, 0x48))) is Confidence.PROVEN
