"""Runs inside the debugger: what a search for orphans finds."""

from __future__ import annotations

from typing import Any

from gdbext.session import Session
from gdbext.target.protocol import Debugger


def check(debugger: Debugger) -> dict[str, Any]:
    session = Session(debugger)
    found = session.heap.orphans()
    scan = session.heap.scan()
    return {
        "searched": found.searched,
        "unread": len(found.unread),
        "orphans": [[o.type, o.refcount, len(o.items), len(o.unions)] for o in found.found],
        "tied": sum(
            _holds(session, union, orphan.items)
            for orphan in found.found
            for union in orphan.unions
        ),
        "is_sound": scan.is_sound,
    }


def _holds(session: Session, union: int, items: tuple[int, ...]) -> bool:
    """Whether a union's members have the type variable: ``list[T]`` does."""
    args = session.objects.tuple_items(session.objects.pointer("unionobject", union, "args") or 0)
    aliases = [session.objects.pointer("gaobject", arg, "args") or 0 for arg in args[:1]]
    return any(set(items) <= set(session.objects.tuple_items(alias)) for alias in aliases)
