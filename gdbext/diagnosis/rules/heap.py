"""FT105: the allocator's own lists, or the guard bytes around its blocks, are damaged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from gdbext.cpython.allocator.debug_hooks import FREED, fill_of
from gdbext.cpython.allocator.health import Corruption
from gdbext.cpython.allocator.page_free_lists import Flaw
from gdbext.cpython.allocator.pages import Page
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.rules import pointers
from gdbext.diagnosis.rules.build import finding
from gdbext.diagnosis.suspects import Suspect
from gdbext.model import Confidence, Evidence, Finding, Subject

ALLOCATOR = re.compile(
    r"^_?mi_|freelist|^_Py(Mem|Object)_|^Py(Mem|Object)_(Raw)?([MC]alloc|Realloc|Free)$|^_Py_.*(free|alloc)"
)
MAX_FINDINGS = 2
MAX_INNER = 16
MAX_FREE_BLOCKS = 4_000_000
MAX_PAGES = 1 << 15
"""Of 64 KiB or more: of a heap of 2 GiB, all."""


def corrupted(case: Case) -> Iterator[Finding]:
    """Damaged lists count when the crash is nobody else's: a root cause in an object explains itself."""
    if not case.fault.is_crash:
        yield from _endless(case)
        return
    if case.fault.stack_overflow:
        return
    if case.root is not None and not _in_allocator(case):
        yield from _neighbours(case, case.root)
        return
    found = list(itertools.islice((c for c in damages(case) if not c.is_snapshot), MAX_FINDINGS))
    for corruption in found:
        yield _finding(case, corruption)
    if not found:
        yield from list(_overrun(case)) or _bad_link(case)


def _endless(case: Case) -> Iterator[Finding]:
    """A thread of a process that did not crash walks the heap, and a list in there has no end.

    In the middle of an operation a list may look wrong in many ways, but no operation makes a circle.
    """
    walks = (f for t in case.native_threads for f in case.session.debugger.frames(t.lwp, MAX_INNER))
    if any((f.function or "").startswith(("mi_", "_mi_")) for f in walks):
        endless = (
            c
            for c in damages(case)
            if c.damage and c.damage.flaw is Flaw.CYCLE and not c.is_snapshot
        )
        yield from (_finding(case, corruption) for corruption in itertools.islice(endless, 1))


def _neighbours(case: Case, root: Suspect) -> Iterator[Finding]:
    """Who wrote over the object at fault, or over the place that its pointer was read from: the block right before."""
    if not (root.is_corrupt or pointers.is_no_object(case, root)) or root.actual_type is not None:
        return
    holder = case.origin.holder if case.origin else None
    slots = (
        (r.slot_address for r in case.session.objects.children(holder) if r.target == root.address)
        if holder
        else ()
    )
    for place in (root.address, *(slot for slot in slots if slot is not None)):
        for corruption in case.session.heap.written_into(place):
            if not corruption.is_snapshot:
                yield _finding(case, corruption)
                return


def _in_allocator(case: Case) -> bool:
    return any(ALLOCATOR.search(f.function or "") for f in case.native_frames[:4])


def damages(case: Case) -> Iterator[Corruption]:
    """Damaged free lists of CPython and of mimalloc's pages, the crashed thread's pages first.

    A heap with more free blocks or pages than the bounds is walked in part, and the report says so.
    """
    session = case.session
    heap, mimalloc = session.heap, session.heap.records.mimalloc
    yield from heap.freelist_health()

    def is_others(page: Page) -> bool:
        owner = mimalloc.owner(page)
        return owner is None or owner.thread.native_thread_id != case.lwp

    pages = sorted(heap.pages(), key=is_others)
    free = 0
    for number, page in enumerate(pages):
        free += page.capacity - page.used
        if free > MAX_FREE_BLOCKS or number >= MAX_PAGES:
            said = f"{number} of the heap's {len(pages)} pages were searched for damaged lists; `ft scan` searches them all"
            case.problems.add("heap", said)
            return
        yield from heap.free_list_health(page)


def _finding(case: Case, corruption: Corruption) -> Finding:
    subject = None
    if corruption.subject is not None:
        block = next((s for s in corruption.suspects if s.role in ("itself", "freed twice")), None)
        if block is not None:
            subject = Subject(block.address, block.type, None, block.verdict)
        else:
            subject = Subject(
                corruption.subject,
                None,
                None,
                case.session.heap.judge_block(corruption.subject).verdict,
            )
    return finding(
        case, "FT105", corruption.title, Confidence.PROVEN, subject, evidence=corruption.evidence
    )


def _bad_link(case: Case) -> Iterator[Finding]:
    """The allocator itself met a word that is no block, and has taken the list off its page to walk it."""
    frame = next((f for f in case.c_frames if not f.frame.is_inlined), None)
    operand = case.fault.operand
    if (
        frame is None
        or operand is None
        or not case.fault.is_fault
        or not frame.function.startswith(("mi_", "_mi_"))
    ):
        return
    base = operand.base_value
    # A list ends at NULL: whoever went through one was not following a link.
    if not base or case.session.heap.page_of(base) is not None:
        return
    evidence = [
        Evidence(
            f"#{frame.frame.level} {frame.function} went through {operand.text}",
            None,
            base,
            broken=True,
        )
    ]
    detail = f"{frame.function} met {base:#x}, which is no block: a link was overwritten, or something was freed that is none"
    yield finding(case, "FT105", detail, Confidence.LIKELY, evidence=evidence)


def _overrun(case: Case) -> Iterator[Finding]:
    """The debug hooks' report of a block whose guard bytes were overwritten."""
    if not any(
        (f.function or "").startswith(("_PyMem_Debug", "_PyObject_Debug"))
        for f in case.native_frames[:16]
    ):
        return
    for frame in case.c_frames[:16]:
        if not frame.function.startswith("_PyMem_Debug"):
            continue
        for variable in frame.variables:
            if (
                not variable.is_argument
                or not variable.value
                or "void *" not in variable.type
                or variable.name == "ctx"
            ):
                continue
            state = case.session.heap.judge_block(variable.value)
            # In the middle of a free the hooks have written over their own header already.
            broken = [
                e
                for e in state.evidence
                if e.broken and not (isinstance(e.value, int) and fill_of(e.value) == FREED)
            ]
            if broken:
                subject = Subject(variable.value, None, None, state.verdict)
                yield finding(
                    case,
                    "FT105",
                    broken[0].claim,
                    Confidence.PROVEN,
                    subject,
                    evidence=state.evidence,
                )
                return
