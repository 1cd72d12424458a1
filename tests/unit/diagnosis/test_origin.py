"""What is said of the pointer that the code at fault read from memory, by its instructions."""

from __future__ import annotations

import struct
from dataclasses import replace
from unittest import mock

import pytest

from fakes import FakeDebugger
from gdbext.binfmt import dataflow
from gdbext.diagnosis.conclude.doubt import doubt
from gdbext.diagnosis.conclude.pointers import add_origin
from gdbext.diagnosis.facts.cause import Cause
from gdbext.diagnosis.facts.fault import Fault, FaultOperand
from gdbext.diagnosis.facts.frames import CFrame, FrameVariable
from gdbext.diagnosis.facts.origin import ItemRead, Load, Origin
from gdbext.diagnosis.facts.threads import ThreadStateFacts
from gdbext.diagnosis.observe import origin as observed
from gdbext.diagnosis.observe.stack import Functions
from gdbext.diagnosis.rules import apply, ft203_container_changed, ft205_null_slot
from gdbext.model import Confidence, Finding, Verdict
from gdbext.target.protocol import Field, NativeFrame, Region, Struct
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    EXTENSION,
    GC,
    MEM,
    TAKEN,
    HeapWorld,
    facts_of,
    segfault,
    session_of,
    stack_of,
)
from unit.heap.heap_world import RUNTIME

LIST = replace(TAKEN, function="peek", expected="list")
STACK = stack_of(NativeFrame(0, 0x1000, 0x7000, "peek", module=EXTENSION))


def faulted(origin: Origin, displacement: int = 0x18) -> Fault:
    return replace(segfault(0, displacement, reads_header=displacement == 0x18), origin=origin)


def found(world: HeapWorld, origin: Origin, displacement: int = 0x18) -> list[Finding]:
    stopped = facts_of(world, fault=faulted(origin, displacement), stack=STACK)
    return list(ft205_null_slot.check(stopped))


def test_a_null_behind_the_last_item_is_named_with_its_list() -> None:
    world = HeapWorld()
    lst = world.page(GC, 64).object("list")
    item = ItemRead(holder=lst, type="list", index=5, length=5, place=0x3000, now=0)
    load = Load(place=0x3000, value=0, base=0x2FD8)
    [finding] = found(world, Origin(loads=(load,), item=item))
    assert sentence(finding.title).endswith(
        "item 5, behind the last of a list, was NULL when peek took it"
    )
    assert finding.confidence is Confidence.LIKELY
    assert "one too far" in finding.advice
    assert finding.container is not None
    assert (finding.container.address, finding.container.index) == (lst, 5)


def test_a_null_item_within_the_list_is_not_behind_its_last() -> None:
    world = HeapWorld()
    lst = world.page(GC, 64).object("list")
    item = ItemRead(holder=lst, type="list", index=2, length=5, place=0x3000, now=0)
    [finding] = found(world, Origin(loads=(Load(place=0x3000, value=0),), item=item))
    assert "item 2 of a list was NULL" in sentence(finding.title)


def test_the_result_of_the_c_api_that_nobody_looked_at() -> None:
    [finding] = found(HeapWorld(), Origin(result_of="PyDict_GetItemString"), 0x20)
    assert "peek uses the NULL that PyDict_GetItemString returned" in sentence(finding.title)


@pytest.mark.parametrize(
    ("origin", "displacement"),
    [
        (Origin(result_of="connection_of"), 0x20),
        (Origin(argument=1), 0x20),
        (Origin(loads=(Load(place=0x3000, value=0, symbol="cache"),)), 0x20),
        (Origin(), 0x18),
    ],
    ids=["own function", "argument", "variable", "unknown"],
)
def test_what_need_not_be_an_object_is_not_said_to_be(origin: Origin, displacement: int) -> None:
    assert found(HeapWorld(), origin, displacement) == []


@pytest.mark.parametrize(
    "origin",
    [Origin(argument=1), Origin(loads=(Load(place=0x3000, value=0, symbol="cache"),))],
    ids=["argument", "variable"],
)
def test_what_an_offset_alone_says_is_possible(origin: Origin) -> None:
    """The plain account of the crash goes first."""
    stopped = facts_of(HeapWorld(), fault=faulted(origin), stack=STACK)
    findings = apply.findings(stopped)
    assert [f.rule for f in findings] == ["FT404", "FT205"]
    assert findings[1].confidence is Confidence.POSSIBLE


def uses_of(address: int, is_fresh: bool = True) -> Origin:
    load = Load(place=address + 0x20, value=0, base=address, is_object=True, is_fresh=is_fresh)
    return Origin(loads=(load,))


def test_the_field_of_an_object_that_no_variable_has() -> None:
    world = HeapWorld()
    obj = world.page(GC, 64).object("dict")
    fault = faulted(uses_of(obj), 0x48)
    [use] = add_origin({}, STACK, fault)[obj]
    stopped = facts_of(world, obj, use=use, fault=fault, stack=STACK)
    [finding] = ft205_null_slot.check(stopped)
    assert finding.subject is not None
    assert finding.subject.address == obj
    assert sentence(finding.title).endswith("peek read NULL from the field at 0x0 of a dict")


def test_a_field_that_was_set_since_is_not_called_null() -> None:
    world = HeapWorld()
    obj = world.page(GC, 64).object("dict")
    load = Load(place=obj + 0x20, value=0, now=0x1230, base=obj, offset=0x20, is_object=True)
    fault = faulted(Origin(loads=(load,)), 0x48)
    [use] = add_origin({}, STACK, fault)[obj]
    [finding] = ft205_null_slot.check(facts_of(world, obj, use=use, fault=fault, stack=STACK))
    assert any("is not now" in sentence(e.claim) for e in finding.evidence)


def test_a_list_s_array_was_null_only_if_it_is_not_empty() -> None:
    """An empty list has none."""
    world = HeapWorld()
    offset = world.layout.offset("PyListObject", "ob_item")
    for items, wanted in (((0x1230,), [f"the field at {offset:#x} of a list"]), ((), [])):
        lst, array = a_list(world, *items)
        load = Load(place=lst + offset, value=0, now=array, base=lst, offset=offset, is_object=True)
        fault = faulted(Origin(loads=(load,)), 0)
        [use] = add_origin({}, STACK, fault)[lst]
        said = ft205_null_slot.check(facts_of(world, lst, use=use, fault=fault, stack=STACK))
        assert [sentence(f.title).partition("read NULL from ")[2] for f in said] == wanted


def test_a_null_that_was_read_from_memory_is_no_argument() -> None:
    """A parameter that is NULL by right is not what the code went through."""
    null = FrameVariable("cache", "PyObject *", 0, is_argument=True, is_object=True)
    frame = NativeFrame(0, 0x1000, 0x7000, "encode", module=EXTENSION)
    stack = replace(STACK, c_frames=(CFrame(frame, (null,)),), native_frames=(frame,))
    operand = FaultOperand(
        text="(%rax,%rbx,8)", base="rax", base_value=0, displacement=0, address=0, is_write=False
    )
    plain = replace(segfault(0), operand=operand)
    read = replace(plain, origin=Origin(loads=(Load(place=0x3000, value=0, base=0x2FD8),)))
    blamed = [
        list(ft205_null_slot.check(facts_of(HeapWorld(), fault=fault, stack=stack)))
        for fault in (plain, read)
    ]
    assert [len(findings) for findings in blamed] == [1, 0]


@pytest.mark.parametrize(("is_fresh", "is_trusted"), [(True, True), (False, False)])
def test_a_dead_object_that_was_read_before_a_call_proves_nothing(
    is_fresh: bool, is_trusted: bool
) -> None:
    """The call may have ended it, by right."""
    world = HeapWorld()
    page = world.page(GC, 64)
    obj = page.object("dict")
    page.free(obj)
    fault = faulted(uses_of(obj, is_fresh), 0x48)
    [use] = add_origin({}, STACK, fault)[obj]
    [pointer] = facts_of(world, obj, use=use, fault=fault, stack=STACK).pointers
    judged = doubt(pointer, fault, STACK)
    assert judged.verdict is Verdict.FREED
    assert judged.is_trusted is is_trusted
    if is_fresh:
        assert judged.liveness_for_use.confidence is not Confidence.POSSIBLE


def a_list(world: HeapWorld, *items: int, allocated: int = 4) -> tuple[int, int]:
    """(a list, its array) with these items."""
    lst, page = world.page(GC, 64).object("list"), world.page(MEM, 64)
    array = page.take()
    world.memory.write(array, world.objects_world.words(allocated, *items))
    world.set("PyListObject", lst, ob_size=len(items), ob_item=array + 8, allocated=allocated)
    return lst, array + 8


def item_of(world: HeapWorld, *loads: dataflow.MemoryLoad) -> ItemRead | None:
    return observed._item(session_of(world), loads)


def test_an_item_is_known_by_the_list_s_own_array() -> None:
    world = HeapWorld()
    lst, array = a_list(world, 0x1230, 0x1240)
    offset = world.layout.offset("PyListObject", "ob_item")
    of_array = dataflow.MemoryLoad(place=lst + offset, value=array, base=lst, offset=offset)
    last = dataflow.MemoryLoad(place=array + 16, value=0, base=array, offset=16)
    item = item_of(world, last, of_array)
    assert item is not None
    assert (item.holder, item.type, item.index, item.length) == (lst, "list", 2, 2)
    assert item.is_behind


def test_an_array_that_the_list_has_no_more_is_not_its_item() -> None:
    world = HeapWorld()
    lst, _ = a_list(world, 0x1230)
    old = world.page(MEM, 64).take()
    offset = world.layout.offset("PyListObject", "ob_item")
    of_array = dataflow.MemoryLoad(place=lst + offset, value=old, base=lst, offset=offset)
    assert item_of(world, dataflow.MemoryLoad(place=old, value=0, base=old), of_array) is None


@pytest.mark.parametrize("offset", [4, -8])
def test_a_place_that_is_no_item_is_none(offset: int) -> None:
    world = HeapWorld()
    lst, array = a_list(world, 0x1230)
    place = lst + world.layout.offset("PyListObject", "ob_item")
    of_array = dataflow.MemoryLoad(place=place, value=array, base=lst)
    assert (
        item_of(world, dataflow.MemoryLoad(place=array + offset, value=0, base=array), of_array)
        is None
    )


def test_a_list_that_is_dead_has_no_items() -> None:
    world = HeapWorld()
    page = world.page(GC, 64)
    lst = page.object("list")
    page.free(lst)
    place = lst + world.layout.offset("PyListObject", "ob_item")
    of_array = dataflow.MemoryLoad(place=place, value=0x3000, base=lst)
    assert item_of(world, dataflow.MemoryLoad(place=0x3000, value=0, base=0x3000), of_array) is None


@pytest.mark.parametrize(
    ("inlined", "is_said"),
    [("Py_INCREF", True), ("_Py_NewRef", True), ("first_node", False), (None, False)],
)
def test_a_null_in_a_function_for_any_object_should_have_been_one(
    inlined: str | None, is_said: bool
) -> None:
    """Wherever the code at fault had it from: an access so near to NULL may be to any struct."""
    frames = [NativeFrame(1, 0x1000, 0x7000, "peek", module=EXTENSION)]
    if inlined is not None:
        frames.insert(0, NativeFrame(0, 0x1000, 0x7000, inlined, module=EXTENSION, is_inlined=True))
    fault = faulted(Origin(loads=(Load(place=0x3000, value=0, base=0x3000),)))
    said = list(ft205_null_slot.check(facts_of(HeapWorld(), fault=fault, stack=stack_of(*frames))))
    assert [sentence(f.title) for f in said] == (
        ["NULL or half-built slot: peek uses NULL as an object"] if is_said else []
    )
    assert all(finding.confidence is Confidence.LIKELY for finding in said)


# --- what a field is called ----------------------------------------------------------------------

OFFSET = 0x20


def name_of_field(world: HeapWorld, obj: int, declared: str = "PyObject *", **fields: int) -> str:
    """What the field of an object is called, which code has as a pointer of that type; a struct
    ``Shape`` has those fields.
    """
    variable = FrameVariable("self", declared, obj, is_argument=True, is_object=True)
    frame = NativeFrame(0, 0x1000, 0x7000, "area", module=EXTENSION)
    stack = stack_of(frame, c_frames=[CFrame(frame, (variable,))])
    session = session_of(world)
    debugger = session.debugger
    assert isinstance(debugger, FakeDebugger)
    size = fields.pop("size", 0)
    debugger.structs["Shape"] = Struct(
        "Shape", size, {name.replace("__", "."): Field(at, 8) for name, at in fields.items()}
    )
    return str(observed._slot(session, stack, obj, OFFSET))


def test_what_a_type_lists_as_its_member_has_that_name() -> None:
    world = HeapWorld()
    obj = world.page(GC, 64).object("float")
    table = world.page(MEM, 128).take()
    members = ((world.objects_world.cstring(n), OFFSET) for n in ("__dictoffset__", "entry"))
    entries = [struct.pack("<QQQQQ", name, 6, offset, 0, 0) for name, offset in members]
    world.memory.write(table, b"".join(entries) + bytes(40))
    world.set("PyTypeObject", world.types["float"], tp_members=table)
    assert name_of_field(world, obj) == "AttributeSlot(name='entry')", (
        "the offset of instances' dict is not a member"
    )


def test_a_field_has_the_name_that_the_code_s_own_struct_has_for_it() -> None:
    world = HeapWorld()
    obj = world.page(GC, 64).object("float")
    size = world.layout.size("PyFloatObject")
    assert name_of_field(world, obj, "Shape *", size=size, corners=OFFSET) == "corners"
    nested = {"size": size, "corners": OFFSET, "corners__first": OFFSET, "corners__last": 0x28}
    assert name_of_field(world, obj, "Shape *", **nested) == "corners.first"
    assert name_of_field(world, obj, "Shape *", size=size, corners=OFFSET - 8) == "None"
    assert name_of_field(world, obj, "PyObject *", size=size, corners=OFFSET) == "None"


def test_a_struct_of_that_name_with_another_size_is_another_s() -> None:
    world = HeapWorld()
    obj = world.page(GC, 64).object("float")
    size = world.layout.size("PyFloatObject") + 8
    assert name_of_field(world, obj, "Shape *", size=size, corners=OFFSET) == "None"


# --- what callers passed on ---------------------------------------------------------------------

HELPER, CALLER = 0x5000, 0x5100
# mov 0x18(%rdi),%rdx; ret
TAKES = bytes.fromhex("488b5718c3")
# mov 0x20(%rbx),%rdi; call …
GIVES = bytes.fromhex("488b7b20e8")
RETURNS_TO = CALLER + len(GIVES) + 4


def passed_on(world: HeapWorld, holder: int, called: int = HELPER) -> Origin:
    """What is known of a NULL that a helper was given by its caller, from an object in rbx."""
    frames = (
        NativeFrame(0, HELPER, 0x7000, "helper", module=EXTENSION),
        NativeFrame(1, RETURNS_TO, 0x7100, "caller", module=EXTENSION),
    )
    session = session_of(world)
    debugger = session.debugger
    assert isinstance(debugger, FakeDebugger)
    distance = (called - RETURNS_TO).to_bytes(4, "little", signed=True)
    debugger.map(HELPER, 0x200)
    debugger.write(HELPER, TAKES)
    debugger.write(CALLER, GIVES + distance)
    lwp = STACK.lwp or 0
    debugger.register_sets = {(lwp, 0): {"rdi": 0, "rsp": 0x7000}, (lwp, 1): {"rbx": holder}}
    functions = Functions(session)
    ranges = {0: range(HELPER, HELPER + 5), 1: range(CALLER, RETURNS_TO + 1)}
    operand = FaultOperand(
        text="0x18(%rdi)",
        base="rdi",
        base_value=0,
        displacement=0x18,
        address=0x18,
        is_write=False,
    )
    with mock.patch.object(functions, "addresses", lambda frame, is_exact: ranges[frame.level]):
        return observed.read_origin(
            session, functions, stack_of(*frames), replace(segfault(0, 0x18), operand=operand)
        )


def test_the_field_that_a_caller_passed_on() -> None:
    world = HeapWorld()
    holder = world.page(GC, 64).object("dict")
    origin = passed_on(world, holder)
    [load] = origin.loads
    assert (load.base, load.offset, load.value, load.level) == (holder, 0x20, 0, 1)
    assert load.is_fresh, "the helper has called nothing"
    assert (origin.level, origin.argument) == (1, None)


def test_a_function_that_jumped_to_the_one_at_fault_may_have_changed_its_arguments() -> None:
    world = HeapWorld()
    origin = passed_on(world, world.page(GC, 64).object("dict"), called=HELPER + 0x80)
    assert (origin.loads, origin.argument, origin.level) == ((), 0, None)


def test_a_caller_s_reading_is_told_as_the_caller_s() -> None:
    world = HeapWorld()
    obj = world.page(GC, 64).object("dict")
    frames = [NativeFrame(n, 0x1000, 0x7000, name, module=EXTENSION) for n, name in enumerate("fg")]
    stack = stack_of(*frames)
    load = Load(place=obj + 0x20, value=0, base=obj, is_object=True, is_fresh=False, level=1)
    fault = faulted(Origin(loads=(load,), level=1), 0x48)
    [use] = add_origin({}, stack, fault)[obj]
    assert (use.level, use.function, use.is_doubtful) == (1, "g", True)
    [finding] = ft205_null_slot.check(facts_of(world, obj, use=use, fault=fault, stack=stack))
    assert sentence(finding.title).endswith("g read NULL from the field at 0x0 of a dict")
    said = [sentence(e.claim) for e in finding.evidence]
    assert any("#1 g, which passed it on, read the pointer from there" in text for text in said)


def test_what_another_function_returned_is_no_argument() -> None:
    """An optional argument is NULL as well, and the code says that the pointer is not that one."""
    fallback = FrameVariable("fallback", "PyObject *", 0, is_argument=True, is_object=True)
    [frame] = STACK.c_frames
    stack = replace(STACK, c_frames=(replace(frame, variables=(fallback,)),))
    for origin, sure in (
        (Origin(), Confidence.LIKELY),
        (Origin(result_of="find"), Confidence.POSSIBLE),
        # A caller passed on what it was given: then it is an argument.
        (Origin(result_of="find", level=1), Confidence.LIKELY),
    ):
        stopped = facts_of(HeapWorld(), fault=faulted(origin), stack=stack)
        [finding] = ft205_null_slot.check(stopped)
        assert finding.confidence is sure
        told = [sentence(e.claim) for e in finding.evidence]
        assert any("fallback" in text for text in told) is (sure is Confidence.LIKELY)


@pytest.mark.parametrize(
    ("origin", "is_item"),
    [
        (Origin(), True),
        (Origin(result_of="PyDict_GetItem"), False),
        (Origin(argument=1), False),
        (Origin(loads=(Load(place=0x5000, value=0, symbol="cache"),)), False),
        (Origin(loads=(Load(place=0x5000, value=0, base=0x4FF0),)), True),
    ],
)
def test_a_null_from_elsewhere_is_no_item_of_an_empty_list(origin: Origin, is_item: bool) -> None:
    world = HeapWorld()
    lst = world.page(GC, 64).object("list")
    stopped = facts_of(world, lst, use=LIST, fault=faulted(origin), stack=STACK)
    stopped = replace(stopped, cause=Cause())
    assert bool(list(ft203_container_changed.check(stopped))) is is_item


def test_what_the_code_takes_for_another_type_has_no_items_for_it() -> None:
    """A list in place of a union's args: the words of its array are not read as its items."""
    world = HeapWorld()
    lst = world.page(GC, 64).object("list")
    item = ItemRead(holder=lst, type="list", index=3, length=2, place=0x3000, now=0)
    fault = faulted(Origin(loads=(Load(place=0x3000, value=0, base=0x2FE8),), item=item))
    as_list = facts_of(world, lst, use=LIST, fault=fault, stack=STACK)
    assert "behind the last" in sentence(next(iter(ft205_null_slot.check(as_list))).title)
    taken = replace(LIST, expected="tuple")
    mistaken = facts_of(world, lst, use=taken, fault=fault, stack=STACK)
    assert not any(f.container for f in ft205_null_slot.check(mistaken))


@pytest.mark.parametrize(
    ("load", "threads", "is_said"),
    [
        (Load(place=0x3000, value=0, symbol="cache", is_shared=True), 2, True),
        (Load(place=0x3000, value=0, symbol="cache", is_shared=True), 1, False),
        (Load(place=0x3000, value=0, symbol="names"), 2, False),
        (Load(place=0x3000, value=0, base=0x5000, offset=8), 2, False),
    ],
    ids=["shared", "one thread", "constant", "behind a pointer"],
)
def test_a_bad_pointer_out_of_a_static_variable(load: Load, threads: int, is_said: bool) -> None:
    states = tuple(ThreadStateFacts(address=0x100 * n, lwp=n) for n in range(threads))
    stopped = facts_of(HeapWorld(), fault=faulted(Origin(loads=(load,))), stack=STACK)
    stopped = replace(stopped, process=replace(stopped.process, threads=states))
    [finding] = [f for f in apply.findings(stopped) if f.rule == "FT404"]
    said = [sentence(e.claim) for e in finding.evidence]
    assert ("`cache` is a static variable, one for all threads" in said) is is_said
    assert ("thread-local" in finding.advice) is is_said


def test_which_data_is_an_extensions_own() -> None:
    world = HeapWorld()
    data, constants, system = 0x7D00_0000_0000, 0x7D00_0001_0000, 0x7D00_0002_0000
    world.map(data, 0x1000, "/site/signals.so")
    world.map(data + 0x1000, 0x1000)
    world.memory.map(constants, 0x1000)
    world.regions.append(Region(constants, constants + 0x1000, False, "/site/signals.so"))
    world.map(system, 0x1000, "/lib/libc.so.6")
    stack = world.threads[0].thread_id
    session = session_of(world)
    own = (data, data + 0x1800)
    others = (constants, system, stack, RUNTIME, 0x10)
    assert [observed.is_others_data(session, place) for place in own] == [True, True]
    assert not any(observed.is_others_data(session, place) for place in others)
