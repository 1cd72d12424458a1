"""How ``ft scan`` tells much damage in few lines."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from gdbext.commands.scan import grouped
from gdbext.cpython.allocator.health import Corruption
from gdbext.cpython.allocator.page_free_lists import Damage, Flaw
from gdbext.cpython.allocator.pages import Page
from gdbext.model import Claim


def list_damage(page: int, flaw: Flaw) -> Corruption:
    values: dict[str, Any] = dict.fromkeys((f.name for f in fields(Page)), 0)
    values["address"] = page
    return Corruption(
        Damage(Page(**values), flaw, "free"),
        Claim("said", text=f"a free list (page {page:#x}): {flaw}"),
        (),
    )


def other(title: str) -> Corruption:
    return Corruption(None, Claim("said", text=title), ())


def test_damage_of_one_kind_stands_together_whatever_its_place() -> None:
    first, second, third = (
        list_damage(0x1000, Flaw.OUTSIDE),
        list_damage(0x2000, Flaw.CYCLE),
        list_damage(0x3000, Flaw.OUTSIDE),
    )
    one, two = (
        other(f"the block {at:#x} was written {n} bytes past its {n} bytes")
        for at, n in ((0x10, 3), (0x20, 4))
    )
    assert grouped([first, one, second, third, two]) == [[first, third], [one, two], [second]]
    assert grouped([]) == []
