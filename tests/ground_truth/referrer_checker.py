"""Runs inside the debugger: who refers to an address."""

from __future__ import annotations

from typing import Any

from gdbext.session import Session
from gdbext.target.protocol import Debugger
from gdbext.wording import sentence
from gdbext.wording.slots import slot_label


def check(debugger: Debugger, address: int) -> list[list[Any]]:
    found = Session(debugger).heap.referrers(address)
    return [
        [r.kind, r.type, "" if r.slot is None else slot_label(r.slot), r.certain, sentence(r.text)]
        for r in found.found
    ]
