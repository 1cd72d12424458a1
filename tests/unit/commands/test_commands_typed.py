"""``ft list`` and ``ft union`` of what is none."""

from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext import session as sessions
from gdbext.commands.command import Context
from gdbext.commands.show import typed
from gdbext.target.protocol import Variable
from unit.diagnosis.crash_world import session_of
from unit.heap.heap_world import GC, HeapWorld


def answer(monkeypatch: pytest.MonkeyPatch, expression: str, c_type: str) -> tuple[str, int]:
    """What is said of a dict, where a list was asked for; and where it is.  The selected frame has
    it as ``self``, of that C type.
    """
    world = HeapWorld()
    address = world.page(GC, 64).object("dict")
    session = session_of(world)
    debugger = session.debugger
    assert isinstance(debugger, FakeDebugger)
    debugger.variable_lists[debugger.selected()] = [Variable("self", c_type, address)]
    monkeypatch.setattr(sessions, "_current", session)
    said: list[str] = []
    typed(Context(debugger, said.append), expression, address, "list")
    return "".join(said), address


@pytest.mark.parametrize(
    ("c_type", "is_reused"),
    [("Ring *", False), ("PyObject *", False), ("PyDictObject *", False), ("PyListObject *", True)],
)
def test_only_code_that_takes_an_object_for_a_list_says_that_one_was_there(
    monkeypatch: pytest.MonkeyPatch, c_type: str, is_reused: bool
) -> None:
    shown, address = answer(monkeypatch, "self", c_type)
    assert ("reused" in shown) is is_reused
    plainly = f"{address:#x}  a live dict, not a list: `ft object {address:#x}` shows it\n"
    assert (shown == plainly) is not is_reused


@pytest.mark.parametrize("expression", ["0x1230", "$rdi", "other"])
def test_a_number_or_an_expression_says_nothing_of_what_was_there(
    monkeypatch: pytest.MonkeyPatch, expression: str
) -> None:
    assert "reused" not in answer(monkeypatch, expression, "PyListObject *")[0]
