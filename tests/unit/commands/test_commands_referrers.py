"""What ``ft referrers`` says of a word."""

from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext.commands.command import Context
from gdbext.commands.referrers import _text
from gdbext.cpython.allocator.referrers import Referrer
from gdbext.reports.options import Options
from gdbext.target.protocol import Symbol

DATA = "in data of /lib/box.so"


@pytest.mark.parametrize(
    ("referrer", "said"),
    [
        (Referrer("module", 0x1000, DATA), f"remembered, {DATA}"),
        (Referrer("module", 0x1008, DATA), f"remembered+8, {DATA}"),
        (Referrer("module", 0x1010, DATA), DATA),
        (Referrer("stack", 0x1000, "in the stack of LWP 7"), "in the stack of LWP 7"),
        (Referrer("register", None, "rdi of LWP 7"), "rdi of LWP 7"),
    ],
)
def test_a_static_variable_is_named(referrer: Referrer, said: str) -> None:
    debugger = FakeDebugger()
    debugger.symbols["remembered"] = Symbol("remembered", 0x1000, 16)
    assert _text(Context(debugger, lambda text: None, Options()), referrer) == said
