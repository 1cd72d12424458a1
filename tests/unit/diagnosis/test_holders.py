"""Who still holds an object that is gone: the program's own containers, and no tuple that C code
made for a call.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from gdbext.cpython.allocator.holders import Holder
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import ObjectAt, Pointer, Use
from gdbext.diagnosis.facts.provenance import Holders
from gdbext.diagnosis.observe import containers
from gdbext.diagnosis.observe import holders as holders_
from gdbext.diagnosis.observe.holders import find_holders
from gdbext.model import AttributeSlot, Claim, Confidence, Data, Liveness, ValueSlot, Verdict
from gdbext.target.protocol import Symbol
from gdbext.wording import sentence

GONE, DICT, TUPLE, LIST, OBJECT = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000
MODULE, VARIABLE = 0x7000, 0x7010
TEXTS = {1: "record", 2: "__main__"}
ITEM = Holder(TUPLE, "tuple", 0, TUPLE + 0x28, GONE)


STACK = CrashStack(lwp=1, interpreter_module="/usr/bin/python3")


def bad(verdict: Verdict = Verdict.FREED, address: int = GONE) -> Pointer:
    use = Use(
        level=0,
        function="PyObject_Repr",
        name="v",
        expected=None,
        because=Claim("declared-as", type="PyObject *"),
        is_argument=True,
        is_innermost=True,
    )
    liveness = Liveness(address, verdict, Confidence.PROVEN)
    return Pointer(
        address=address,
        uses=(use,),
        liveness=liveness,
        liveness_for_use=liveness,
        object=ObjectAt(address=address),
        end=address + 32,
    )


@pytest.fixture(autouse=True)
def no_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "length", lambda objects, address: 3)
    monkeypatch.setattr(holders_, "cell_content", lambda objects, address: address)


def session(
    holders: list[Holder] | None,
    shown: list[Holder] | None = None,
    slots: dict[str, int] | None = None,
    variables: dict[str, int] | None = None,
    words: list[int] | None = None,
) -> Any:
    """One thread in a function with those locals, whose module's globals, a dict, has those
    ``variables``.
    """
    keys = {text: number for number, text in TEXTS.items()}
    pairs = [(keys[name], value) for name, value in (variables or {}).items()]
    module = {"__name__": 2, "__spec__": 2}
    objects = SimpleNamespace(
        text=TEXTS.get,
        dict_items=lambda address: pairs if address == DICT else [],
        dict_get_str=lambda address, key: module.get(key) if address == DICT else None,
    )
    places = SimpleNamespace(
        module=lambda place: "/lib/signals.so" if place < MODULE + 0x1000 else "/usr/bin/python3"
    )
    heap = SimpleNamespace(
        holders=lambda *wanted, in_arrays=True: (
            holders if wanted == (GONE,) else [h for h in shown or [] if h.target in wanted]
        ),
        in_modules=lambda address: words or [],
        records=SimpleNamespace(places=places),
    )
    debugger = SimpleNamespace(
        symbol_at=lambda place: Symbol("handlers", MODULE, 0x20),
        threads=lambda: [SimpleNamespace(lwp=1)],
    )
    frame = SimpleNamespace(slots=slots or {}, globals=DICT, function="walk")
    return SimpleNamespace(
        heap=heap,
        objects=objects,
        debugger=debugger,
        python_stack=lambda lwp: SimpleNamespace(frames=[frame]),
    )


def test_a_container_with_a_name_is_the_origin() -> None:
    found = find_holders(session([ITEM], variables={"record": TUPLE}), STACK, bad()).container
    assert found is not None
    assert (found.holder, found.type, found.slot, found.current, found.was_searched) == (
        TUPLE,
        "tuple",
        0,
        True,
        True,
    )
    assert "the tuple is the global `record`" in [
        sentence(evidence.claim) for evidence in found.evidence
    ]


def test_a_local_names_it_too() -> None:
    found = find_holders(session([ITEM], slots={"prices": TUPLE}), STACK, bad()).container
    assert found is not None
    assert sentence(found.evidence[1].claim) == "the tuple is `prices` in walk"


@pytest.mark.parametrize(
    "other",
    [
        Holder(DICT, "dict", ValueSlot(Data("record")), 0, TUPLE),
        Holder(OBJECT, "Shop", AttributeSlot("prices"), 0, TUPLE),
        Holder(OBJECT, "tuple_iterator", "it_seq", 0, TUPLE),
        Holder(OBJECT, "cell", "ob_ref", 0, TUPLE),
    ],
)
def test_what_another_object_shows_is_the_programs(other: Holder) -> None:
    assert find_holders(session([ITEM], [other]), STACK, bad()).container is not None


@pytest.mark.parametrize("other", [None, Holder(OBJECT, "itertools.product", "result", 0, TUPLE)])
def test_a_tuple_of_c_codes_own_is_not_a_container(other: Holder | None) -> None:
    held = find_holders(session([ITEM], [other] if other else []), STACK, bad())
    assert (held.container, held.others) == (None, ())


def test_variables_of_a_module_are_not_a_container() -> None:
    variable = Holder(DICT, "dict", ValueSlot(Data("tag")), 0x2100, GONE)
    shown = [Holder(OBJECT, "module", "md_dict", 0, DICT)]
    held = find_holders(session([variable], shown), STACK, bad())
    assert held.container is None
    assert [sentence(evidence.claim) for evidence in held.others] == [
        "still the value of `tag` in __main__"
    ]


def test_a_named_container_comes_before_one_that_another_object_shows() -> None:
    other = dataclasses.replace(ITEM, address=LIST, type="list")
    shown = [Holder(OBJECT, "Shop", AttributeSlot("prices"), 0, LIST)]
    held = find_holders(session([other, ITEM], shown, slots={"prices": TUPLE}), STACK, bad())
    assert held.container is not None
    assert held.container.holder == TUPLE
    assert [sentence(evidence.claim) for evidence in held.others] == [
        f"still held by [0] of list {LIST:#x}"
    ]


def test_attributes_and_c_variables_are_reported() -> None:
    attribute = Holder(OBJECT, "Shop", AttributeSlot("price"), OBJECT + 0x20, GONE)
    held = find_holders(session([attribute], words=[VARIABLE]), STACK, bad())
    assert held.container is None
    assert [
        (sentence(evidence.claim), evidence.address, evidence.value) for evidence in held.others
    ] == [
        (f"still held by .price of Shop {OBJECT:#x}", OBJECT + 0x20, GONE),
        ("still referred to by `handlers` in the data of signals.so", VARIABLE, GONE),
    ]


@pytest.mark.parametrize("word", [MODULE + 0x20, MODULE + 0x2000])
def test_words_of_no_variable_and_the_interpreters_own_are_not(word: int) -> None:
    assert find_holders(session([], words=[word]), STACK, bad()).others == ()


@pytest.mark.parametrize(
    "verdict", [Verdict.LIVE, Verdict.REUSED, Verdict.INTERIOR, Verdict.UNMAPPED, Verdict.NULL]
)
def test_only_what_is_gone_is_searched_for(verdict: Verdict) -> None:
    assert (
        find_holders(session([ITEM], variables={"record": TUPLE}), STACK, bad(verdict)).container
        is None
    )


def test_a_pointer_that_is_a_fill_is_not_searched_for() -> None:
    fill = bad(Verdict.POISONED, 0xDDDD_DDDD_DDDD_DDDD)
    assert find_holders(session(None), STACK, fill) == Holders()


def test_a_heap_that_is_too_large_says_nothing() -> None:
    assert find_holders(session(None), STACK, bad()) == Holders()
