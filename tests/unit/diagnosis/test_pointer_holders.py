"""Who still holds an object that is gone: the program's own containers, and no tuple that C code
made for a call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pytest

from fakes import FakeDebugger
from gdbext.cpython.allocator import pointer_holders as holder_search
from gdbext.diagnosis.facts.pointers import ObjectAt, Pointer
from gdbext.diagnosis.facts.provenance import Holders
from gdbext.diagnosis.observe.pointer_holders import find_holders
from gdbext.model import Confidence, Evidence, Liveness, Verdict
from gdbext.target.protocol import Symbol
from gdbext.wording import sentence
from unit.diagnosis.crash_world import TAKEN, session_of, stack_of
from unit.heap.containers import TRACKED, new_dict, new_list, new_tuple
from unit.heap.heap_world import GC, GC_PRE, MEM, OBJECT, HeapWorld

MODULE, SIZE = 0x7D00_0000_0000, 0x1000
VARIABLE = Symbol("handlers", MODULE + 0x10, 0x20)


class Program:
    """A program that has lost a float, ``gone``, to which something still refers."""

    def __init__(self) -> None:
        self.world = HeapWorld()
        self.put = self.world.objects_world.put
        self.page = self.world.page(GC, 144)
        self.arrays = self.world.page(MEM, 512)
        floats = self.world.page(OBJECT, 80)
        self.gone = floats.object("float")
        floats.free(self.gone)
        self.world.map(MODULE, SIZE, "/site/signals.so")
        self.symbols = [VARIABLE]

    def tuple(self, *items: int) -> int:
        return new_tuple(self.world, self.page, *items)

    def list(self, *items: int) -> int:
        return new_list(self.world, self.page, self.arrays, *items)

    def dict(self, **pairs: int) -> int:
        return new_dict(self.world, self.page, self.arrays, pairs)[0]

    def object(self, type_name: str, struct: str, **fields: int) -> int:
        address = self.page.object(type_name, ob_gc_bits=TRACKED)
        self.world.set(struct, address, **fields)
        return address

    def shop(self, attribute: str, value: int) -> int:
        """An instance of a class of the program's."""
        objects = self.world.objects_world
        objects.new_class("Shop", names=[attribute])
        address = self.world.page(GC_PRE, 512).object("Shop", ob_gc_bits=TRACKED)
        objects.inline(address + self.world.layout.size("PyObject"), [value], valid=1, embedded=1)
        return address

    def runs(self, slots: Mapping[str, int] | None = None, **variables: int) -> None:
        """The crashed thread is in ``walk``, with these locals, in a module with these globals."""
        objects, layout = self.world.objects_world, self.world.layout
        slots = slots or {}
        code = objects.slotted(
            "code",
            co_qualname=self.put("walk"),
            co_filename=self.put("shop.py"),
            co_linetable=self.put(b""),
            co_localsplusnames=self.put(tuple(slots)),
            co_names=self.put(()),
            co_nlocalsplus=len(slots),
        )
        frame = objects.allocate(layout.size("_PyInterpreterFrame") + 8 * len(slots))
        space = self.dict(__name__=self.put("__main__"), __spec__=self.put(None), **variables)
        self.world.set("_PyInterpreterFrame", frame, f_executable=code, f_globals=space)
        first = frame + layout.offset("_PyInterpreterFrame", "localsplus")
        self.world.memory.write(first, objects.words(*slots.values()))
        crashed = self.world.threads[0]
        self.world.threads[0] = dataclasses.replace(crashed, current_frame=frame)

    def holders(self, verdict: Verdict = Verdict.FREED, address: int | None = None) -> Holders:
        address = self.gone if address is None else address
        session = session_of(self.world)
        assert isinstance(session.debugger, FakeDebugger)
        session.debugger.symbols = {symbol.name: symbol for symbol in self.symbols}
        liveness = Liveness(address, verdict, Confidence.PROVEN)
        pointer = Pointer(
            address=address,
            uses=(TAKEN,),
            liveness=liveness,
            liveness_for_use=liveness,
            object=ObjectAt(address=address),
            end=address + 32,
        )
        return find_holders(session, stack_of(), pointer)


@pytest.fixture
def program() -> Program:
    return Program()


def said(evidence: Sequence[Evidence]) -> list[str]:
    return [sentence(each.claim) for each in evidence]


def test_a_container_with_a_name_is_the_origin(program: Program) -> None:
    record = program.tuple(program.gone)
    program.runs(record=record)
    found = program.holders().container
    assert found is not None
    assert (found.holder, found.type, found.slot, found.length, found.current) == (
        record,
        "tuple",
        0,
        1,
        True,
    )
    assert found.was_searched
    assert "the tuple is the global `record`" in said(found.evidence)


def test_a_local_names_it_too(program: Program) -> None:
    program.runs({"prices": program.tuple(program.gone)})
    found = program.holders().container
    assert found is not None
    assert said(found.evidence)[1] == "the tuple is `prices` in walk"


def test_a_local_that_is_in_a_cell_names_it_too(program: Program) -> None:
    record = program.tuple(program.gone)
    program.runs({"prices": program.object("cell", "PyCellObject", ob_ref=record)})
    found = program.holders().container
    assert found is not None
    assert said(found.evidence)[1] == "the tuple is `prices` in walk"


@pytest.mark.parametrize("shown_by", ["dict", "instance", "iterator", "cell"])
def test_what_another_object_shows_is_the_programs(program: Program, shown_by: str) -> None:
    held = program.list(program.gone)
    if shown_by == "dict":
        program.dict(record=held)
    elif shown_by == "instance":
        program.shop("prices", held)
    elif shown_by == "iterator":
        program.object("list_iterator", "_PyListIterObject", it_seq=held)
    else:
        program.object("cell", "PyCellObject", ob_ref=held)
    found = program.holders().container
    assert found is not None
    assert (found.holder, found.type) == (held, "list")


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_tuple_of_c_codes_own_is_not_a_container(program: Program, is_kept: bool) -> None:
    held = program.tuple(program.gone)
    if is_kept:
        program.object("functools.partial", "partialobject", args=held)
    assert program.holders() == Holders()


@pytest.mark.parametrize("shown_by", ["the module", "its names"])
def test_variables_of_a_module_are_not_a_container(program: Program, shown_by: str) -> None:
    name = program.put("__main__")
    if shown_by == "the module":
        space = program.dict(tag=program.gone, __name__=name)
        program.object("module", "PyModuleObject", md_dict=space)
    else:
        program.dict(tag=program.gone, __name__=name, __spec__=program.put(None))
    held = program.holders()
    assert held.container is None
    assert said(held.others) == ["still the value of `tag` in __main__"]


def test_a_named_container_comes_before_one_that_another_object_shows(program: Program) -> None:
    other = program.list(program.gone)
    program.shop("prices", other)
    record = program.tuple(program.gone)
    program.runs({"prices": record})
    held = program.holders()
    assert held.container is not None
    assert held.container.holder == record
    assert said(held.others) == [f"still held by [0] of list {other:#x}"]


def test_of_two_names_a_local_comes_first(program: Program) -> None:
    record, prices = program.tuple(program.gone), program.list(program.gone)
    program.runs({"prices": prices}, record=record)
    held = program.holders()
    assert held.container is not None
    assert held.container.holder == prices
    assert said(held.others) == [f"still held by [0] of tuple {record:#x} (the global `record`)"]


def test_attributes_and_c_variables_are_reported(program: Program) -> None:
    shop = program.shop("price", program.gone)
    program.world.memory.write_word(VARIABLE.address, program.gone)
    held = program.holders()
    assert held.container is None
    assert said(held.others) == [
        f"still held by .price of Shop {shop:#x}",
        "still referred to by `handlers` in the data of signals.so",
    ]
    place = held.others[0].address
    assert place is not None
    assert program.world.word(place) == program.gone
    assert [each.value for each in held.others] == [program.gone] * 2
    assert held.others[1].address == VARIABLE.address


@pytest.mark.parametrize("where", ["of nothing", "of a label", "of the interpreter"])
def test_words_that_are_no_modules_variable_are_not_reported(program: Program, where: str) -> None:
    own = Symbol("cache", program.world.objects_world.allocate(8), 8)
    label = Symbol("_edata", VARIABLE.address + 0x100, 0)
    program.symbols += [own, label]
    place = {
        "of nothing": VARIABLE.address + VARIABLE.size,
        "of a label": label.address,
        "of the interpreter": own.address,
    }[where]
    program.world.memory.write_word(place, program.gone)
    assert program.world.heap().in_modules(program.gone) == [place]
    assert program.holders() == Holders()


@pytest.mark.parametrize(
    "verdict", [Verdict.LIVE, Verdict.REUSED, Verdict.INTERIOR, Verdict.UNMAPPED, Verdict.NULL]
)
def test_only_what_is_gone_is_searched_for(program: Program, verdict: Verdict) -> None:
    program.runs(record=program.tuple(program.gone))
    assert program.holders(verdict) == Holders()


def test_a_pointer_that_is_a_fill_is_not_searched_for(program: Program) -> None:
    fill = 0xDDDD_DDDD_DDDD_DDDD
    program.runs(record=program.tuple(fill))
    assert program.holders(Verdict.POISONED, fill) == Holders()


def test_a_heap_that_is_too_large_says_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.runs(record=program.tuple(program.gone))
    monkeypatch.setattr(holder_search, "MAX_BYTES", 1000)
    assert program.holders() == Holders()
