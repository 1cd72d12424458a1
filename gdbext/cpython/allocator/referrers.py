"""Who still holds this address: objects, threads' frames, stacks and registers, modules' data,
queues.

Every word of memory that may be a reference is looked at.  A word that is the slot of an object is
certain; one on a stack or in memory of unknown use only looks like a reference, and is marked so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cached_property

from gdbext.cpython.allocator.looks import holds_objects
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.pages import DOMAINS, Page
from gdbext.cpython.allocator.sweep import Progress, Stretch, Sweep
from gdbext.cpython.interpreter.data_stack import data_stack
from gdbext.cpython.interpreter.frames import FrameReader
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.frozen import dataclass
from gdbext.model import Address, Claim, FilePath, Slot, ValueSlot

MAX_FOUND = 10_000
MAX_ARRAYS = 1_000
TAGS = 7
"""Low bits that a reference may carry (``_PyStackRef``, Include/internal/pycore_stackref.h)."""


@dataclass(frozen=True)
class Referrer:
    """One word that holds the address.

    ``kind`` is ``object``, ``global``, ``frame``, ``register``, ``stack``, ``module`` (a C module's
    data), ``queue``, ``c heap`` or ``memory``.  ``holder`` is the object (for ``frame``: the
    interpreter frame) and ``slot`` the field, index, key, or local's name in it; ``place`` the
    address of the word, which ``text`` does not repeat.  ``certain`` is False where memory is only
    seen to have the value.
    """

    kind: str
    place: int | None
    text: Claim
    holder: int | None = None
    type: str | None = None
    slot: Slot | None = None
    lwp: int | None = None
    certain: bool = False


@dataclass
class Referrers:
    """What a search found; it is complete unless ``unread`` memory may hold more, or it was
    ``interrupted`` or cut at a limit.
    """

    found: list[Referrer] = field(default_factory=list)
    unread: list[tuple[int, int]] = field(default_factory=list)
    interrupted: bool = False


class ReferrerSearch:
    """Looks for one address."""

    def __init__(self, records: Records, address: int) -> None:
        self._r = records
        self._address = address
        self._named: set[int] = set()
        """LWPs whose frames are known to hold the address."""
        self._arrays: dict[int, list[tuple[Page, int]]] = {}
        """Blocks without an object that hold the address: (page, place of the word) by block."""

    def run(self, progress: Progress | None = None) -> Referrers:
        """Search the whole process.

        Ctrl-C (KeyboardInterrupt) ends the search with what it has.
        """
        result = Referrers()
        sweep = Sweep(self._r)
        try:
            for referrer in self._all(sweep, progress):
                result.found.append(referrer)
                if len(result.found) >= MAX_FOUND:
                    break
        except KeyboardInterrupt:
            result.interrupted = True
        result.unread = sweep.unread
        return result

    def _all(self, sweep: Sweep, progress: Progress | None) -> Iterator[Referrer]:
        yield from self._registers()
        yield from self._frames()
        yield from self._queues()
        pattern = self._address.to_bytes(8, "little")[1:]
        for stretch in sweep.stretches(progress):
            for place in _places(stretch, pattern, self._address):
                yield from self._word(stretch, place)
        yield from self._owners_of_arrays(sweep)

    # --- threads --------------------------------------------------------------------------------

    def _registers(self) -> Iterator[Referrer]:
        for stop in self._r.stops:
            for name, value in stop.registers.items():
                if value & ~TAGS == self._address:
                    yield Referrer(
                        "register",
                        None,
                        Claim("register-of", register=name, lwp=stop.lwp),
                        slot=name,
                        lwp=stop.lwp,
                    )

    def _frames(self) -> Iterator[Referrer]:
        """Python frames' locals and value stacks."""
        try:
            reader = FrameReader(self._r.memory, self._r.layout)
        except UnknownLayout:
            return
        for thread in self._r.runtime.threads:
            for frame in reader.stack(thread).frames:
                where = Claim(
                    "frame-of",
                    function=frame.function,
                    file=FilePath(frame.file),
                    line=frame.line,
                    lwp=thread.native_thread_id,
                )
                slots: list[tuple[str | None, Claim]] = [
                    (name, Claim("local-of", name=name, frame=where))
                    for name, value in frame.slots.items()
                    if value == self._address
                ]
                if self._address in frame.stack:
                    slots.append((None, Claim("value-stack-of", frame=where)))
                if slots:
                    self._named.add(thread.native_thread_id)
                for slot, text in slots:
                    yield Referrer(
                        "frame",
                        None,
                        text,
                        frame.address,
                        "frame",
                        slot,
                        thread.native_thread_id,
                        certain=True,
                    )

    @cached_property
    def _frame_memory(self) -> list[tuple[int, int, int]]:
        """(start, end, LWP) of the chunks that threads' Python frames are in."""
        return [
            (chunk.start, chunk.stop, thread.native_thread_id)
            for thread in self._r.runtime.threads
            for chunk in data_stack(self._r.memory, self._r.layout, thread)
        ]

    def _queues(self) -> Iterator[Referrer]:
        queues = self._r.queues
        if merge := queues.merges.get(self._address):
            yield Referrer(
                "queue",
                merge.place,
                Claim("merge-queue-of", lwp=merge.thread.native_thread_id),
                certain=True,
            )
        if decref := queues.decrefs.get(self._address):
            yield Referrer("queue", decref.place, Claim("decref-queue"), certain=True)

    # --- memory ---------------------------------------------------------------------------------

    def _word(self, stretch: Stretch, place: int) -> Iterator[Referrer]:
        page = stretch.page
        if page is None:
            lwp = next(
                (lwp for start, end, lwp in self._frame_memory if start <= place < end), None
            )
            if lwp is not None:
                # A named local is known already, and with more certainty.
                if lwp not in self._named:
                    text = Claim("in-python-frames", lwp=lwp)
                    yield Referrer("frame", place, text, lwp=lwp)
                return
            found = self._r.places.find(place)
            kind = found.kind if found else "memory"
            what = found.what if found else Claim("unknown-memory")
            yield Referrer(kind, place, Claim("in-place", place=what, seems=None))
            return
        block = page.block(page.index(place))
        if not holds_objects(self._r, page):
            if len(self._arrays) < MAX_ARRAYS:
                self._arrays.setdefault(block, []).append((page, place))
            return
        holder = block + self._r.before(page)
        if holder != self._address and holder not in self._r.freelists.members:
            yield self._slot(holder, place)

    def _slot(self, holder: int, place: int) -> Referrer:
        """The word as a slot of an object: certain if the object's own fields say so."""
        info = self._r.objects.type_of(holder)
        if info is None or self._r.objects.header(holder).is_dead_shape:
            return Referrer("memory", place, Claim("in-dead-block"), holder)
        slot = next(
            (r.slot for r in self._r.objects.children(holder) if r.slot_address == place), None
        )
        module = self._module(holder) if info.is_subclass("dict") and slot is not None else None
        if module is not None:
            name = str(slot.key) if isinstance(slot, ValueSlot) else None
            text = Claim("global-of", name=name, slot=slot, module=module, dict=Address(holder))
            return Referrer("global", place, text, holder, info.name, slot, certain=True)
        text = (
            Claim("slot-of", subscript=slot, type=info.name, object=Address(holder))
            if slot is not None
            else Claim("offset-in", offset=place - holder, type=info.name, object=Address(holder))
        )
        return Referrer(
            "object",
            place,
            text,
            holder,
            info.name,
            slot,
            certain=slot is not None,
        )

    def _module(self, dictionary: int) -> str | None:
        """The name of the module whose globals a dict is: every module's have these two keys."""
        objects = self._r.objects
        name = objects.dict_get_str(dictionary, "__name__")
        return objects.text(name) if name and objects.dict_get_str(dictionary, "__spec__") else None

    def _owners_of_arrays(self, sweep: Sweep) -> Iterator[Referrer]:
        """Lists, dicts and sets keep their items in a block of its own: who points to it is the
        holder.
        """
        ranges = {
            block: page.block_size for block, words in self._arrays.items() for page, _ in words[:1]
        }
        owners = sweep.pointing_into(ranges) if ranges else {}
        for block, words in self._arrays.items():
            for page, place in words:
                named = [self._slot(owner, place) for owner in owners.get(block, [])]
                certain = [referrer for referrer in named if referrer.certain]
                if certain:
                    yield from certain[:1]
                else:
                    domain = self._r.mimalloc.domain(page)
                    text = Claim(
                        "in-block-of",
                        size=page.block_size,
                        domain=domain if domain in DOMAINS else "raw",
                        block=Address(block),
                    )
                    yield Referrer("memory", place, text, block)


def _places(stretch: Stretch, pattern: bytes, address: int) -> Iterator[int]:
    """Places of words that hold the address, be it tagged.

    ``pattern`` are its upper seven bytes: a search for them is fast.
    """
    data = stretch.data
    at = data.find(pattern)
    while at != -1:
        start = at - 1
        if (
            start % 8 == 0
            and data[start] & ~TAGS == address & 0xFF
            and _is_in_use(stretch.in_use, start // 8)
        ):
            yield stretch.start + start
        at = data.find(pattern, at + 1)


def _is_in_use(parts: Sequence[tuple[int, int]], index: int) -> bool:
    return any(first <= index < last for first, last in parts)
