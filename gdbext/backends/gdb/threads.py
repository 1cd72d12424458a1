"""gdb's threads and frames: told apart, selected for a while, their registers read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import gdb

WORD = (1 << 64) - 1


def lwp_of(thread: gdb.InferiorThread) -> int:
    return int(thread.ptid[1] or thread.ptid[0])


def threads_by_lwp() -> dict[int, gdb.InferiorThread]:
    """All threads.  gdb takes time in proportion to their number to name them: not to be asked for
    each of them.
    """
    return {lwp_of(thread): thread for thread in gdb.selected_inferior().threads()}


def register(frame: gdb.Frame, name: str) -> int | None:
    """A register as it was in that frame; None where it was not saved."""
    try:
        return int(frame.read_register(name)) & WORD
    except (gdb.error, ValueError, TypeError):
        return None


@contextmanager
def selection(wanted: gdb.InferiorThread | None = None) -> Iterator[None]:
    """Select a thread for a while; afterwards the user's own selection is as it was."""
    thread = gdb.selected_thread()
    frame = None
    with suppress(gdb.error):
        frame = gdb.selected_frame() if thread is not None else None
    try:
        if wanted is not None and wanted != thread:
            wanted.switch()
        yield
    finally:
        if thread is not None and thread.is_valid():
            if gdb.selected_thread() != thread:
                thread.switch()
            if frame is not None and frame.is_valid() and gdb.selected_frame() != frame:
                frame.select()
