"""CPython's freelists: dead objects that a thread keeps for its next allocation of the same type.

For mimalloc their blocks are in use.  In 3.13 each type has its own form (arrays, or lists through
some field of the object); from 3.14 on all are lists through the dead object's first word.  From
CPython's Include/internal/pycore_freelist.h (3.13), pycore_freelist_state.h (3.14 and later) and
the types' own files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gdbext.cpython.interpreter.runtime import Runtime, ThreadState
from gdbext.cpython.layout.layout import Layout, Record, StructLayout, UnknownLayout
from gdbext.cpython.objects.header import MERGED
from gdbext.frozen import dataclass
from gdbext.model import Claim
from gdbext.target.protocol import Memory, MemoryFault

STATE = "_PyThreadStateImpl"
PREFIX = "freelists."
# No freelist may grow longer than this (pycore_freelist.h; the longest are 2000 tuples of one
# size).
MAX_LENGTH = 4096
WORD = (1 << 64) - 1
DISABLED = -1
"""The count of a freelist whose thread or interpreter is being finalised."""
# 3.13: lists linked through a field of the dead object: freelist -> (struct, field).
LINKS = {
    "floats": ("PyFloatObject", "ob_type"),
    "tuples": ("PyTupleObject", "ob_item"),
    "contexts": ("PyContext", "ctx_weakreflist"),
    "object_stacks": ("_PyObjectStackChunk", "prev"),
}
# Freelists whose members are blocks of PyMem or of the runtime, and not Python objects.
NOT_OBJECTS = frozenset(
    {"dictkeys", "object_stacks", "object_stack_chunks", "unicode_writers", "bytes_writers"}
)


@dataclass(frozen=True)
class Cached:
    """A dead object on a freelist.

    ``place`` is the address of the word that points to it, ``thread`` None for the interpreter's
    own.
    """

    thread: ThreadState | None
    list: str
    place: int


@dataclass(frozen=True)
class BrokenFreelist:
    """A freelist whose links or count do not hold.  ``place`` holds the bad ``word``."""

    thread: ThreadState | None
    list: str
    place: int
    word: int
    reason: Claim


class Freelists:
    """All threads' freelists, read once: ``members`` by address, ``broken`` lists."""

    def __init__(self, memory: Memory, layout: Layout, runtime: Runtime) -> None:
        self._memory = memory
        self._layout = layout
        self.members: dict[int, Cached] = {}
        self.broken: list[BrokenFreelist] = []
        for interpreter in runtime.interpreters:
            self._memory_errors(interpreter.address)
        state = layout.find(STATE)
        if state is None or "freelists" not in state:
            return
        for thread in runtime.threads:
            try:
                record = layout.record(memory, STATE, thread.address)
            except (MemoryFault, UnknownLayout):
                continue
            if "freelists.floats.freelist" in state:
                self._uniform(thread, record, state)
            else:
                self._by_type(thread, record, state)

    def _memory_errors(self, interpreter: int) -> None:
        """MemoryErrors are made in advance, and kept linked through their dicts
        (Objects/exceptions.c).
        """
        state, error = (
            self._layout.find("PyInterpreterState"),
            self._layout.find("PyBaseExceptionObject"),
        )
        if (
            state is None
            or error is None
            or "memerrors_freelist" not in state
            or "memerrors_numfree" not in state
        ):
            return
        place, count = (
            interpreter + state.offset("memerrors_freelist"),
            state.field("memerrors_numfree"),
        )
        try:
            number = int.from_bytes(
                self._memory.read(interpreter + count.offset, count.size), "little", signed=True
            )
            first = int.from_bytes(self._memory.read(place, 8), "little")
        except MemoryFault:
            return
        self._follow(None, "MemoryErrors", place, first, number, error.offset("dict"))

    # --- 3.14 and later -------------------------------------------------------------------------

    def _uniform(self, thread: ThreadState, record: Record, state: StructLayout) -> None:
        """Every member of the struct is one ``{first, size}`` or an array of them (tuples)."""
        step = 16
        for name in _names(state):
            raw = record.raw(PREFIX + name)
            base = record.address_of(PREFIX + name)
            for at in range(0, len(raw) - step + 1, step):
                first, size = struct.unpack_from("<Qq", raw, at)
                self._follow(
                    thread, _label(name, at // step, len(raw) // step), base + at, first, size, 0
                )

    # --- 3.13 -----------------------------------------------------------------------------------

    def _by_type(self, thread: ThreadState, record: Record, state: StructLayout) -> None:
        for name in _names(state):
            if f"{PREFIX}{name}.slice_cache" in state:
                place = record.address_of(f"{PREFIX}{name}.slice_cache")
                self._follow(thread, name, place, record[f"{PREFIX}{name}.slice_cache"], 1, None)
                continue
            heads = _words(record.raw(f"{PREFIX}{name}.items"))
            counts = record.raw(f"{PREFIX}{name}.numfree")
            base = record.address_of(f"{PREFIX}{name}.items")
            if name not in LINKS:
                count = int.from_bytes(counts, "little", signed=True)
                self._array(thread, name, base, heads, count)
                continue
            struct_name, field = LINKS[name]
            found = self._layout.find(struct_name)
            if found is None or field not in found:
                continue
            width = len(counts) // len(heads)
            for at, head in enumerate(heads):
                count = int.from_bytes(counts[at * width : (at + 1) * width], "little", signed=True)
                self._follow(
                    thread,
                    _label(name, at, len(heads)),
                    base + 8 * at,
                    head,
                    count,
                    found.offset(field),
                )

    def _array(
        self, thread: ThreadState | None, name: str, base: int, items: list[int], count: int
    ) -> None:
        if not DISABLED <= count <= len(items):
            self.broken.append(
                BrokenFreelist(
                    thread, name, base, count & WORD, Claim("count-out-of-range", count=count)
                )
            )
            return
        for at, item in enumerate(items[: max(count, 0)]):
            self._add(thread, name, base + 8 * at, item, None)

    # --- both -----------------------------------------------------------------------------------

    def _follow(
        self,
        thread: ThreadState | None,
        name: str,
        place: int,
        first: int,
        count: int,
        link: int | None,
    ) -> None:
        """A list of ``count`` members, the first at ``first``, linked at offset ``link`` (None: it
        has one member at most).
        """
        if not DISABLED <= count <= MAX_LENGTH:
            self.broken.append(
                BrokenFreelist(
                    thread, name, place, count & WORD, Claim("count-out-of-range", count=count)
                )
            )
            return
        at, found = first, 0
        # A thread that stopped in the middle of a push has linked its object already, and not yet
        # counted it; or counted it already, and not yet linked it.
        while at and found <= count:
            if not self._add(thread, name, place, at, link) or link is None:
                return
            found += 1
            place = at + link
            try:
                at = int.from_bytes(self._memory.read(place, 8), "little")
            except MemoryFault:
                self.broken.append(
                    BrokenFreelist(thread, name, place, at, Claim("member-unreadable"))
                )
                return
        if at and count >= 0:
            self.broken.append(
                BrokenFreelist(thread, name, place, at, Claim("list-too-long", count=count))
            )
        elif found < count - 1:
            self.broken.append(
                BrokenFreelist(
                    thread, name, place, at, Claim("list-too-short", length=found, count=count)
                )
            )

    def is_sound(self, cached: Cached) -> bool:
        """Whether the whole list that a member is on could be followed."""
        return not any(
            broken.thread is cached.thread and broken.list == cached.list for broken in self.broken
        )

    def _add(
        self, thread: ThreadState | None, name: str, place: int, member: int, link: int | None
    ) -> bool:
        reason = self._why_not(name, member, link)
        if reason:
            self.broken.append(BrokenFreelist(thread, name, place, member, reason))
            return False
        self.members[member] = Cached(thread, name, place)
        return True

    def _why_not(self, name: str, member: int, link: int | None) -> Claim | None:
        """Why an address can be no member of a freelist."""
        if not member or member % 8:
            return Claim("member-not-an-address")
        if member in self.members:
            return Claim("member-twice")
        if not is_object_list(name):
            return None
        try:
            if self._is_referenced(member) and not self._is_used_after_free(member, link):
                return Claim("member-referenced")
        except MemoryFault:
            return Claim("member-unreadable")
        except UnknownLayout:
            pass
        return None

    def _is_referenced(self, member: int) -> bool:
        header = self._layout.record(self._memory, "PyObject", member)
        return bool(header["ob_ref_local"]) or header["ob_ref_shared"] not in (0, MERGED)

    def _is_used_after_free(self, member: int, link: int | None) -> bool:
        """Whether the references are of somebody who took one after the member had died: a word of
        its header is overwritten by the link to the next member, or to none.
        """
        header = self._layout.record(self._memory, "PyObject", member)
        fields = self._layout.struct("PyObject")
        if link == fields.offset("ob_type"):
            following = header["ob_type"]
            return following == 0 or (following % 8 == 0 and not self._is_referenced(following))
        if link == fields.offset("ob_tid"):
            # Of what lives it is a thread's id, or 0, and never another object of its type.
            following = header["ob_tid"]
            return (
                bool(following)
                and following % 8 == 0
                and (
                    self._layout.record(self._memory, "PyObject", following)["ob_type"]
                    == header["ob_type"]
                )
            )
        return False


def owner(entry: Cached | BrokenFreelist) -> Claim:
    """Whose freelist it is."""
    if entry.thread is None:
        return Claim("the-interpreter")
    return Claim("lwp", lwp=entry.thread.native_thread_id)


def is_object_list(name: str) -> bool:
    """Whether a freelist's members were Python objects."""
    return name.split("[")[0] not in NOT_OBJECTS


def _names(state: StructLayout) -> Iterator[str]:
    """The members of the freelists struct, in memory order."""
    tops = {path.split(".")[1] for path in state.paths() if path.startswith(PREFIX)}
    return iter(sorted(tops, key=lambda name: state.offset(PREFIX + name)))


def _label(name: str, index: int, count: int) -> str:
    """``tuples[3]``: tuples of 3 items have index 2."""
    return f"{name}[{index + 1}]" if count > 1 else name


def _words(raw: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(raw) // 8}Q", raw))
