"""What ``ft referrers`` says of a word."""

from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext.commands.command import Context
from gdbext.commands.referrers import _text
from gdbext.cpython.allocator.referrers import Referrer
from gdbext.model import Claim
from gdbext.reports.options import Options
from gdbext.target.protocol import Symbol

DATA = "in data of /lib/box.so"


def referrer_of(kind: str, place: int | None, text: str) -> Referrer:
    return Referrer(kind, place, Claim("said", text=text))


@pytest.mark.parametrize(
    ("referrer", "said"),
    [
        (referrer_of("module", 0x1000, DATA), f"remembered, {DATA}"),
        (referrer_of("module", 0x1008, DATA), f"remembered+8, {DATA}"),
        (referrer_of("module", 0x1010, DATA), DATA),
        (referrer_of("stack", 0x1000, "in the stack of LWP 7"), "in the stack of LWP 7"),
        (referrer_of("register", None, "rdi of LWP 7"), "rdi of LWP 7"),
    ],
)
def test_a_static_variable_is_named(referrer: Referrer, said: str) -> None:
    debugger = FakeDebugger()
    debugger.symbols["remembered"] = Symbol("remembered", 0x1000, 16)
    assert _text(Context(debugger, lambda text: None, Options()), referrer) == said
