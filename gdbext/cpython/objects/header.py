"""The header that every object of a free-threaded CPython starts with (Include/object.h,
Include/internal/pycore_object.h).

A reference count has two halves: ``ob_ref_local``, which only the owning thread (``ob_tid``)
changes, and ``ob_ref_shared``, whose low two bits are a state.  Not every combination can occur, so
a header tells much about whether there is an object at all.

Example:
    >>> header = HeaderFormat(layout).read(memory, 0x200000AFF10)  # doctest: +SKIP
    >>> header.refcount, header.shared_state, header.gc_names  # doctest: +SKIP
    (1, 'init', ('tracked',))
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import field

from gdbext.cpython.layout.layout import Layout, Source, StructLayout
from gdbext.frozen import dataclass
from gdbext.model import Claim, Evidence
from gdbext.target.protocol import Field, Memory

IMMORTAL_LOCAL = 0xFFFF_FFFF
DEFERRED = ((1 << 63) - 1) // 8
"""What 3.14 and later add to the shared count of an object with deferred reference counting."""
SHARED_STATES = ("init", "maybe weakref", "queued", "merged")
MERGED = 3
# Include/internal/pycore_gc.h; bit 32 is "shared inline" in 3.13 and "alive" from 3.14 on.
GC_BITS = {
    1: "tracked",
    2: "finalized",
    4: "unreachable",
    8: "frozen",
    16: "shared",
    32: "",
    64: "deferred",
}
UNREACHABLE = 4
DEFERRED_BIT = 64
MUTEX_STATES = ("unlocked", "locked", "has parked", "locked, has parked")

USER_END = 1 << 47
"""No user-space address of x86-64 or AArch64 Linux lies above, but under five-level paging on
request.
"""
MAX_LOCAL = 1 << 31
MAX_SHARED = 1 << 40
"""More references than any program has; a larger count is damage."""

FREE_THREADED = {
    "ob_tid": Field(0, 8),
    "ob_mutex": Field(10, 1),
    "ob_gc_bits": Field(11, 1),
    "ob_ref_local": Field(12, 4),
    "ob_ref_shared": Field(16, 8),
    "ob_type": Field(24, 8),
}
"""The header as every free-threaded version so far has it; for one whose only known layout is
``_Py_DebugOffsets``.
"""

BELOW_ZERO = frozenset({"immortal-with-owner", "refcount-below-zero"})
"""Kinds of problems that say, or may say, that an object lost more references than it had."""
WRONG_COUNTS = BELOW_ZERO | {
    "local-count-implausible",
    "shared-count-implausible",
    "refcount-zero",
    "type-refcount-zero",
}
"""Kinds of problems that are about a reference count."""

Problem = tuple[Claim, str, int]
"""Claim, field, value."""


@dataclass(frozen=True)
class Header:
    """One ``PyObject``, field by field.

    ``ref_shared`` is the raw word, signed; ``flags`` is None before 3.14.  ``is_collecting`` says
    that a garbage collection is running: it keeps counts and list links in ``ob_tid``, and sets the
    "unreachable" bit.
    """

    address: int
    ob_tid: int
    flags: int | None
    padding: int
    mutex: int
    gc_bits: int
    ref_local: int
    ref_shared: int
    ob_type: int
    is_collecting: bool = False
    layout: StructLayout | None = field(default=None, repr=False, compare=False)

    @property
    def is_immortal(self) -> bool:
        """Whether the object is never freed: its reference counts are not counted."""
        return self.ref_local == IMMORTAL_LOCAL

    @property
    def is_deferred(self) -> bool:
        """Whether some references to it are not counted; only the collector frees it then."""
        return bool(self.gc_bits & DEFERRED_BIT)

    @property
    def shared_count(self) -> int:
        """The shared half of the count, without the constant that marks deferred counting (3.14 and
        later).
        """
        count = self.ref_shared >> 2
        return (
            count - DEFERRED
            if self.flags is not None and self.is_deferred and count > DEFERRED // 2
            else count
        )

    @property
    def shared_state(self) -> str:
        """The two bits of ``ob_ref_shared``: how the counts of other threads are kept."""
        return SHARED_STATES[self.ref_shared & 3]

    @property
    def refcount(self) -> int | None:
        """Both halves together; None for an immortal object, which has no count."""
        return None if self.is_immortal else self.ref_local + self.shared_count

    @property
    def is_dead_shape(self) -> bool:
        """No reference is left: the object is freed, on a free list, or in the middle of its
        deallocation.

        An object with deferred counting may live on references that are not counted.
        """
        return self.refcount == 0 and not self.is_deferred

    @property
    def gc_names(self) -> tuple[str, ...]:
        """The garbage collector's bits in words."""
        names = {**GC_BITS, 32: "shared inline" if self.flags is None else "alive"}
        return tuple(name for bit, name in names.items() if self.gc_bits & bit)

    @property
    def mutex_state(self) -> str:
        """``ob_mutex``: whether somebody holds the object, or waits for it."""
        return MUTEX_STATES[self.mutex] if self.mutex < 4 else f"damaged ({self.mutex:#x})"

    @property
    def problems(self) -> tuple[Evidence, ...]:
        """What no object's header can be; empty for a legal one (a dead shape is legal)."""
        return tuple(
            Evidence(claim, self.place(name), value, self.address, broken=True)
            for claim, name, value in (
                *self._misplaced(),
                *self._broken_bytes(),
                *self._broken_count(),
            )
        )

    def place(self, name: str) -> int:
        """The address of one of the header's fields (C name)."""
        return self.address + (
            self.layout.offset(name) if self.layout is not None and name in self.layout else 0
        )

    def _misplaced(self) -> Iterator[Problem]:
        if self.address % 8:
            yield Claim("address-misaligned"), "", self.address
        if self.ob_type % 8 or not 0 < self.ob_type < USER_END:
            yield Claim("type-not-an-address"), "ob_type", self.ob_type

    def _broken_bytes(self) -> Iterator[Problem]:
        if self.padding:
            yield Claim("padding-not-zero"), "_padding", self.padding
        if self.flags is not None and self.flags >> 8:
            yield Claim("flags-with-unknown-bits"), "ob_flags", self.flags
        if self.mutex > 3:
            yield Claim("mutex-state-impossible"), "ob_mutex", self.mutex
        if self.gc_bits > 127:
            yield Claim("gc-bits-impossible"), "ob_gc_bits", self.gc_bits
        if self.gc_bits & UNREACHABLE and not self.is_collecting:
            yield (
                Claim("unreachable-without-collection"),
                "ob_gc_bits",
                self.gc_bits,
            )

    def _broken_count(self) -> Iterator[Problem]:
        local, word, count = self.ref_local, self.ref_shared, self.shared_count
        if self.is_immortal:
            if self.ob_tid and not self.is_collecting:
                yield (
                    Claim("immortal-with-owner"),
                    "ob_tid",
                    self.ob_tid,
                )
            if word:
                yield (
                    Claim("immortal-with-shared-count"),
                    "ob_ref_shared",
                    word,
                )
            return
        if local >= MAX_LOCAL:
            yield Claim("local-count-implausible"), "ob_ref_local", local
        if abs(count) > MAX_SHARED:
            yield Claim("shared-count-implausible"), "ob_ref_shared", word
        elif local + count < 0 and not self.is_deferred:
            yield Claim("refcount-below-zero", count=local + count), "ob_ref_shared", word
        if self.is_collecting:
            return
        if word & 3 == MERGED and self.ob_tid:
            yield Claim("merged-with-owner"), "ob_tid", self.ob_tid
        if word & 3 == MERGED and local:
            yield Claim("merged-with-local-count"), "ob_ref_local", local
        if self.ob_tid % 8 or self.ob_tid >= USER_END:
            yield Claim("owner-not-a-thread"), "ob_tid", self.ob_tid


class HeaderFormat:
    """Reads headers of one layout.

    Raises:
        UnknownLayout: when this Python's ``PyObject`` is not known, or is not that of a
        free-threaded build.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout.struct("PyObject")
        if (
            "ob_ref_local" not in self.layout
            and self.layout.size == 32
            and self.layout.offset("ob_type") == 24
        ):
            self.layout = StructLayout(
                "PyObject",
                32,
                {name: (f, Source.DEBUG_OFFSETS) for name, f in FREE_THREADED.items()},
            )
        names = [name for name in ("_padding", "ob_flags") if name in self.layout]
        names += ["ob_tid", "ob_mutex", "ob_gc_bits", "ob_ref_local", "ob_ref_shared", "ob_type"]
        places = sorted(
            ((self.layout.field(name), name) for name in names), key=lambda place: place[0].offset
        )
        text, end = "<", 0
        for place, name in places:
            text += (
                f"{place.offset - end}x"
                + {1: "B", 2: "H", 4: "I", 8: "q" if name == "ob_ref_shared" else "Q"}[place.size]
            )
            end = place.offset + place.size
        self._struct = struct.Struct(text)
        self._names = [name for _, name in places]

    def read(self, memory: Memory, address: int, is_collecting: bool = False) -> Header:
        """The header at ``address``, whatever stands there.

        Raises:
            MemoryFault: when it cannot be read.
        """
        values = dict(
            zip(self._names, self._struct.unpack(memory.read(address, self._struct.size)))
        )
        return Header(
            address,
            values["ob_tid"],
            values.get("ob_flags"),
            values.get("_padding", 0),
            values["ob_mutex"],
            values["ob_gc_bits"],
            values["ob_ref_local"],
            values["ob_ref_shared"],
            values["ob_type"],
            is_collecting,
            self.layout,
        )
