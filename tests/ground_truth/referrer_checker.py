"""Runs inside the debugger: who refers to an address."""

from __future__ import annotations

from typing import Any

from gdbext.session import Session
from gdbext.target.protocol import Debugger


def check(debugger: Debugger, address: int) -> list[list[Any]]:
    found = Session(debugger).heap.referrers(address)
    return [[r.kind, r.type, str(r.slot), r.certain, r.text] for r in found.found]
