"""What reports draw: a window of each container's slots, and the blocks of the heap page that a
finding is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdbext.cpython.objects.decoded import List, Tuple
from gdbext.model import BlockRun, ContainerView, Finding, HeapPage, ItemView, Verdict
from gdbext.session import Session

WINDOW = 16
MAX_PICTURES = 2
MAX_BLOCKS = 20_000


def container_views(session: Session, findings: Sequence[Finding]) -> tuple[ContainerView, ...]:
    """The findings' containers, each with the slots around the one in question."""
    found: dict[int, ContainerView] = {}
    for finding in findings:
        place = finding.container
        if place is not None and place.address not in found and len(found) < MAX_PICTURES:
            found[place.address] = _view(session, place.address, place.type, place.index)
    return tuple(found.values())


def _view(session: Session, address: int, kind: str, index: int | str | None) -> ContainerView:
    decoded = session.objects.decode(address)
    if not isinstance(decoded, (List, Tuple)):
        return ContainerView(address, kind)
    middle = index if isinstance(index, int) else 0
    first = max(0, min(middle, decoded.length) - WINDOW // 2)
    items = (
        session.objects.list_items if isinstance(decoded, List) else session.objects.tuple_items
    )(address, first + WINDOW)
    slots = [_slot(session, number, items[number]) for number in range(first, len(items))]
    capacity = decoded.capacity if isinstance(decoded, List) else decoded.length
    return ContainerView(
        address, kind, decoded.length, capacity, tuple(slots), decoded.buffer or None
    )


def _slot(session: Session, index: int, target: int) -> ItemView:
    if target == 0:
        return ItemView(index, None, Verdict.NULL)
    info = session.objects.type_of(target)
    return ItemView(
        index,
        target,
        session.heap.judge(target, "object").verdict,
        info.name if info else None,
    )


def heap_pages(session: Session, findings: Sequence[Finding]) -> tuple[HeapPage, ...]:
    """The pages of the findings' subjects."""
    found: dict[int, HeapPage] = {}
    for finding in findings:
        subject = finding.subject
        page = session.heap.page_of(subject.address) if subject is not None else None
        if (
            subject is None
            or page is None
            or page.address in found
            or len(found) == MAX_PICTURES
            or page.capacity > MAX_BLOCKS
        ):
            continue
        free = session.heap.records.free_lists.of(page).where
        states = [
            Verdict.FREED if page.start + i * page.block_size in free else Verdict.LIVE
            for i in range(page.capacity)
        ]
        states += [Verdict.NEVER_ALLOCATED] * (page.reserved - page.capacity)
        judged = session.heap.judge(subject.address)
        owner = next(
            (
                t
                for t in session.runtime.threads
                if judged.block and t.address == judged.block.owner_tstate
            ),
            None,
        )
        found[page.address] = HeapPage(
            page.address,
            page.start,
            page.block_size,
            tuple(_runs(states)),
            page.index(subject.address),
            session.thread_name(owner.native_thread_id) if owner else None,
            judged.block.domain if judged.block else "",
        )
    return tuple(found.values())


def _runs(states: Sequence[Verdict]) -> Iterator[BlockRun]:
    first = 0
    for index in range(1, len(states) + 1):
        if index == len(states) or states[index] is not states[first]:
            yield BlockRun(first, index - first, states[first])
            first = index
