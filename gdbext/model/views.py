"""Containers and heap pages as pictures show them."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model.liveness import Verdict


@dataclass(frozen=True)
class ItemView:
    """One item of a container, as the heap judges what it points to; ``index`` is a position or a
    key's text.
    """

    index: int | str
    address: int | None
    verdict: Verdict | None = None
    type: str | None = None


@dataclass(frozen=True)
class ContainerView:
    """A container seen from outside: a bounded window of its slots, those in question
    among them.
    """

    address: int
    type: str
    length: int | None = None
    capacity: int | None = None
    slots: tuple[ItemView, ...] = ()
    buffer: int | None = None
    """Address of the array that holds the slots."""


@dataclass(frozen=True)
class BlockRun:
    """``count`` neighbouring blocks of a page, from number ``first``, that are in one state."""

    first: int
    count: int
    state: Verdict


@dataclass(frozen=True)
class HeapPage:
    """A mimalloc page and the state of each of its blocks.  Sizes in bytes."""

    page: int
    """Address of the ``mi_page_t``."""
    start: int
    """Address of block 0."""
    block_size: int
    runs: tuple[BlockRun, ...] = ()
    focus: int | None = None
    """Number of the block that the finding is about."""
    owner: str | None = None
    """Name of the thread that owns the page; None if it is abandoned or not known."""
    domain: str = ""
