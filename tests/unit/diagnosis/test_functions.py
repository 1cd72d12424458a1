"""Whose slot a C function is, and which variables point to objects."""

from __future__ import annotations

from typing import Any

import pytest

from fakes import FakeDebugger
from gdbext.cpython.layout.choice import Choice
from gdbext.cpython.layout.layout import Layout, Source
from gdbext.diagnosis.observe.c_types import is_object_pointer
from gdbext.diagnosis.observe.stack import Functions
from gdbext.session import Session
from gdbext.target.protocol import NativeFrame, Struct, Symbol

MODULE = "/opt/python"
LIST_REPR, PART, COLD, RENAMED = 0x1000, 0x2000, 0x3000, 0x4000


class Slots:
    """Remembers which functions were looked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def owner(self, function: int, _: str | None) -> None:
        self.asked.append(function)


def looked_for(*names: tuple[str, int], at: int) -> list[int]:
    """Where the function began that was looked for in the tables."""
    debugger = FakeDebugger()
    debugger.symbols = {name: Symbol(name, start, 0x100) for name, start in names}
    session = Session(debugger)
    session.layout_choice = Choice(layout=Layout(lambda _: None), source=Source.TABLE)
    functions, slots = Functions(session), Slots()
    vars(functions)["_slots"] = slots
    functions.owner(NativeFrame(0, at + 8, 0x7000, "list_repr", module=MODULE))
    return slots.asked


@pytest.mark.parametrize(
    ("piece", "start"),
    [
        ("list_repr.cold", COLD),
        ("list_repr.part.0", PART),
        ("list_repr.constprop.0.isra.0", PART),
        ("list_repr.part.0.cold", COLD),
    ],
)
def test_of_a_piece_the_whole_is_looked_for(piece: str, start: int) -> None:
    assert looked_for(("list_repr", LIST_REPR), (piece, start), at=start) == [LIST_REPR]


def test_a_piece_whose_whole_has_no_code_stands_for_itself() -> None:
    assert looked_for(("list_repr.constprop.0", PART), at=PART) == [PART]


def test_a_function_that_was_renamed_is_no_piece_of_another_of_its_old_name() -> None:
    names = ("list_repr", LIST_REPR), ("list_repr.lto_priv.0", RENAMED)
    assert looked_for(*names, at=RENAMED) == [RENAMED]
    assert looked_for(*names, ("list_repr.lto_priv.0.cold", COLD), at=COLD) == [RENAMED]


NUMBERS = "uint64_t", "int8_t", "uintptr_t", "size_t", "ssize_t", "Py_ssize_t", "Py_hash_t"


@pytest.mark.parametrize("name", [*NUMBERS, "Py_uhash_t", "wchar_t", "char", "va_list"])
def test_numbers_are_no_structs_that_a_debugger_would_search_for(name: str) -> None:
    def search(asked: str) -> Struct | None:
        raise AssertionError(asked)

    assert not is_object_pointer(f"{name} *", Layout(search))


def test_structs_of_such_a_name_are_asked_for() -> None:
    asked: list[Any] = []
    assert not is_object_pointer("my_size_t *", Layout(asked.append))
    assert asked == ["my_size_t"]
