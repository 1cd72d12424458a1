"""FT105: the allocator's own lists, or the guard bytes around its blocks, are damaged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.heap.health import Corruption
from gdbext.model import Confidence, Finding, Subject, Verdict
from gdbext.triage.case import Case
from gdbext.triage.rules.build import finding

ALLOCATOR = re.compile(r"^_?mi_|freelist|^_Py(Mem|Object)_|^Py(Mem|Object)_(Raw)?([MC]alloc|Realloc|Free)$|^_Py_.*(free|alloc)")
MAX_FINDINGS = 2


def corrupted(case: Case) -> Iterator[Finding]:
    """Damaged lists count when the crash is nobody else's: a root cause in an object explains itself."""
    if not case.fault.is_crash or case.fault.stack_overflow or (case.root is not None and not _in_allocator(case)):
        return
    found = [c for c in damages(case) if not c.is_snapshot]
    for corruption in found[:MAX_FINDINGS]:
        yield _finding(case, corruption)
    if not found:
        yield from _overrun(case)


def _in_allocator(case: Case) -> bool:
    return any(ALLOCATOR.search(f.function or "") for f in case.native_frames[:4])


def damages(case: Case) -> list[Corruption]:
    """Every damaged free list of mimalloc's pages and of CPython."""
    heap = case.session.heap
    return [*heap.freelist_health(), *(c for page in heap.pages() for c in heap.free_list_health(page))]


def _finding(case: Case, corruption: Corruption) -> Finding:
    subject = None
    if corruption.subject is not None:
        info = case.session.objects.type_of(corruption.subject)
        subject = Subject(corruption.subject, info.name if info else None, None, Verdict.FREED)
    return finding(case, "FT105", corruption.title, Confidence.PROVEN, subject, evidence=corruption.evidence)


def _overrun(case: Case) -> Iterator[Finding]:
    """The debug hooks' report of a block whose guard bytes were overwritten."""
    if not any((f.function or "").startswith(("_PyMem_Debug", "_PyObject_Debug")) for f in case.native_frames[:16]):
        return
    for frame in case.c_frames[:16]:
        if not frame.function.startswith("_PyMem_Debug"):
            continue
        for variable in frame.variables:
            if not variable.is_argument or not variable.value or "void *" not in variable.type or variable.name == "ctx":
                continue
            state = case.session.heap.judge_block(variable.value)
            broken = [e for e in state.evidence if e.broken]
            if broken:
                subject = Subject(variable.value, None, None, state.verdict)
                yield finding(case, "FT105", broken[0].claim, Confidence.PROVEN, subject, evidence=state.evidence)
                return
