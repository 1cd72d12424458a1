"""Reads what the allocator's own data shows of damage, where the crash made it worth a look."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from gdbext.cpython.allocator.health import Corruption
from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.allocator.page_free_lists import Flaw
from gdbext.cpython.allocator.pages import Page
from gdbext.cpython.fills import FREED, fill_of
from gdbext.diagnosis.conclude.allocator_functions import is_in_allocator, is_mimalloc
from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.conclude.libc import is_double_free
from gdbext.diagnosis.facts.cause import Cause, Wrong
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import HeapDamage, HeapState
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.observe.block_leads import lead_into
from gdbext.diagnosis.observe.block_users import read_block_users
from gdbext.diagnosis.observe.extensions import extensions
from gdbext.diagnosis.observe.freed_chunk import find_freed_chunk
from gdbext.diagnosis.observe.notes import Note
from gdbext.diagnosis.observe.stack import Functions
from gdbext.diagnosis.observe.wrong_free import read_allocator_call, read_wrong_free
from gdbext.model import Claim, Confidence, Subject
from gdbext.session import Session

MAX_DAMAGES = 2
MAX_INNER = 16
MAX_FREE_BLOCKS = 4_000_000
MAX_PAGES = 1 << 15
"""Of 64 KiB or more: of a heap of 2 GiB, all."""
DEBUG_HOOKS = ("_PyMem_Debug", "_PyObject_Debug")
ITSELF = ("itself", "freed twice")


def read_heap_state(
    session: Session,
    functions: Functions,
    fault: Fault,
    stack: CrashStack,
    cause: Cause,
    note: Note,
) -> HeapState:
    """Damaged lists count when the crash is nobody else's: a cause in an object explains itself."""
    if not fault.is_crash:
        return HeapState(damages=tuple(_endless(session, stack, note)))
    if fault.stack_overflow:
        return HeapState()
    call = read_allocator_call(session, functions, stack)
    # CPython's own code, and the system's, mixes no allocators: what they give back wrongly was
    # read from damage.
    may_mix = call is not None and is_others(stack.module_at(call.level), stack.interpreter_module)
    # A block that the C library has in its cache already is its own.
    may_mix = may_mix and not is_double_free(fault)
    wrong_free = read_wrong_free(session, call) if may_mix else None
    if wrong_free is not None and wrong_free.confidence is not Confidence.POSSIBLE:
        return HeapState(call=call, wrong_free=wrong_free)
    chunk = find_freed_chunk(session.debugger, stack, fault, call)
    if chunk is not None:
        return HeapState(call=call, freed_chunk=chunk)
    if cause.pointer is not None and not is_in_allocator(stack):
        return HeapState(
            damages=tuple(_neighbours(session, stack, cause, cause.pointer)),
            call=call,
            wrong_free=wrong_free,
            other_writers=tuple(extensions(session, stack.interpreter_module)),
        )
    lists = (c for c in damages(session.heap, stack.lwp, note) if not c.is_snapshot)
    found = tuple(
        _damage(session, stack, corruption) for corruption in itertools.islice(lists, MAX_DAMAGES)
    )
    operand = fault.operand
    return HeapState(
        damages=found or tuple(_overrun(session, stack)),
        was_searched=True,
        call=call,
        wrong_free=wrong_free,
        other_writers=tuple(extensions(session, stack.interpreter_module)),
        operand_is_block=operand is not None
        and bool(operand.base_value)
        and session.heap.page_of(operand.base_value or 0) is not None,
    )


def _endless(session: Session, stack: CrashStack, note: Note) -> Iterator[HeapDamage]:
    """A thread of a process that did not crash walks the heap, and a list in there has no end.

    In the middle of an operation a list may look wrong in many ways, but no operation makes a
    cycle.
    """
    debugger = session.debugger
    walks = (f for t in debugger.threads() for f in debugger.frames(t.lwp, MAX_INNER))
    if any(is_mimalloc(f.function) for f in walks):
        endless = (
            c
            for c in damages(session.heap, stack.lwp, note)
            if c.damage and c.damage.flaw is Flaw.CYCLE and not c.is_snapshot
        )
        yield from (_damage(session, stack, c) for c in itertools.islice(endless, 1))


def _neighbours(
    session: Session, stack: CrashStack, cause: Cause, root: Pointer
) -> Iterator[HeapDamage]:
    """Who wrote over the object at fault, or over the place that its pointer was read from.

    That is the block right before.
    """
    is_overwritten = root.is_corrupt or cause.kind is Wrong.NOT_AN_OBJECT
    if not is_overwritten or root.actual_type is not None:
        return
    holder = cause.provenance.holder if cause.provenance else None
    children = session.objects.children(holder) if holder else ()
    slots = (r.slot_address for r in children if r.target == root.address)
    for place in (root.address, *(slot for slot in slots if slot is not None)):
        for corruption in session.heap.written_into(place):
            if not corruption.is_snapshot:
                yield _damage(session, stack, corruption)
                return


def damages(heap: Heap, lwp: int | None, note: Note) -> Iterator[Corruption]:
    """Damaged free lists of CPython and of mimalloc's pages, the crashed thread's pages first.

    A heap with more free blocks or pages than the bounds is walked in part, and noted as such.
    """
    mimalloc = heap.records.mimalloc
    yield from heap.freelist_health()

    def is_others(page: Page) -> bool:
        owner = mimalloc.owner(page)
        return owner is None or owner.thread.native_thread_id != lwp

    pages = sorted(mimalloc.pages_with_room(), key=is_others)
    free = 0
    for number, page in enumerate(pages):
        free += page.capacity - page.used
        if free > MAX_FREE_BLOCKS or number >= MAX_PAGES:
            note(
                "heap",
                f"{number} of {len(pages)} pages with free blocks were searched for damaged lists; "
                "`ft scan` searches them all",
            )
            return
        yield from heap.free_list_health(page)


def _damage(session: Session, stack: CrashStack, corruption: Corruption) -> HeapDamage:
    subject = None
    if corruption.subject is not None:
        block = next((s for s in corruption.suspects if s.role in ITSELF), None)
        if block is not None:
            subject = Subject(block.address, block.type, None, block.verdict)
        else:
            verdict = session.heap.judge_block(corruption.subject).verdict
            subject = Subject(corruption.subject, None, None, verdict)
    suspects = [suspect.address for suspect in reversed(corruption.suspects)]
    return HeapDamage(
        title=corruption.title,
        subject=subject,
        evidence=corruption.evidence,
        users=read_block_users(session, stack, suspects),
        lead=lead_into(session, stack, subject.address) if subject is not None else None,
    )


def _overrun(session: Session, stack: CrashStack) -> Iterator[HeapDamage]:
    """The debug hooks' report of a block whose guard bytes were overwritten."""
    inner = stack.native_frames[:MAX_INNER]
    if not any((f.function or "").startswith(DEBUG_HOOKS) for f in inner):
        return
    for frame in stack.c_frames[:MAX_INNER]:
        if not frame.function.startswith(DEBUG_HOOKS[0]):
            continue
        for variable in frame.variables:
            is_block = variable.is_argument and "void *" in variable.type and variable.name != "ctx"
            if not is_block or not variable.value:
                continue
            state = session.heap.judge_block(variable.value)
            # In the middle of a free the hooks have written over their own header already.
            broken = [
                e
                for e in state.evidence
                if e.broken and not (isinstance(e.value, int) and fill_of(e.value) == FREED)
            ]
            claims = [e.claim for e in broken if isinstance(e.claim, Claim)]
            if claims:
                subject = Subject(variable.value, None, None, state.verdict)
                yield HeapDamage(
                    title=claims[0],
                    subject=subject,
                    evidence=tuple(state.evidence),
                    users=read_block_users(session, stack, [variable.value]),
                    lead=lead_into(session, stack, variable.value),
                )
                return
