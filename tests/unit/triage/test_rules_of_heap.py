"""FT105 in a process that did not crash: only a list without an end, and only where a thread walks the heap."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gdbext.debuggers.base import NativeFrame, NativeThread
from gdbext.heap.free_lists import Damage, Flaw
from gdbext.heap.health import Corruption
from gdbext.triage.fault import Fault
from gdbext.triage.rules import heap as rules

WALKING = ("mi_heap_visit_blocks", "gc_visit_heaps", "gc_collect_main")
COMPUTING = ("list_append", "_PyEval_EvalFrameDefault")


def case(functions: tuple[str, ...], flaw: Flaw, is_snapshot: bool = False) -> Any:
    page: Any = SimpleNamespace(capacity=4, used=2)
    found = [Corruption(Damage(page, flaw, "free"), "damaged", (), is_snapshot=is_snapshot)]
    session = SimpleNamespace(
        debugger=SimpleNamespace(
            frames=lambda lwp, limit: [NativeFrame(n, 0x1000, 0x7000, name) for n, name in enumerate(functions)][:limit]
        ),
        heap=SimpleNamespace(
            freelist_health=list,
            pages=lambda: [page],
            free_list_health=lambda page: found,
            records=SimpleNamespace(mimalloc=SimpleNamespace(owner=lambda page: None)),
        ),
    )
    return SimpleNamespace(session=session, fault=Fault(None), lwp=1, native_threads=[NativeThread(1, 1)], root=None)


def test_a_collection_that_walks_a_circle_never_ends() -> None:
    assert [f.rule for f in rules.corrupted(case(WALKING, Flaw.CYCLE))] == ["FT105"]


@pytest.mark.parametrize(
    "stopped",
    [
        case(COMPUTING, Flaw.CYCLE),
        case(WALKING, next(flaw for flaw in Flaw if flaw is not Flaw.CYCLE)),
        case(WALKING, Flaw.CYCLE, is_snapshot=True),
    ],
)
def test_a_process_that_may_be_in_the_middle_of_something_is_not_accused(stopped: Any) -> None:
    assert not list(rules.corrupted(stopped))
