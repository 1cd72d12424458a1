"""Which of the bad pointers is the one that everything else follows from."""

from __future__ import annotations

from collections.abc import Sequence, Set

from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import Pointer


def root_pointer(pointers: Sequence[Pointer], stack: CrashStack) -> Pointer | None:
    """The root: of what the current Python operation works on, else of all.

    Further out are operations that go on when the current one is done.
    """
    inner = [p for p in pointers if any(stack.same_call(0, u.level) for u in p.uses)]
    root = outermost(inner) or outermost(pointers)
    return _read_from(root, pointers, stack) or root if root else None


def outermost(pointers: Sequence[Pointer]) -> Pointer | None:
    """The bad pointer that the others derive from: the one that comes in from furthest outside.

    What a freed object's fields hold is garbage, and so are the pointers read from them: frames
    further in show those.
    """
    gone = {p.address for p in pointers if p.is_gone}
    bad = [
        p
        for p in pointers
        if p.is_bad and p.address and p.is_trusted and not _only_refers_to(p, gone)
    ]
    return max(bad, key=lambda p: (p.outermost_level, p.is_gone), default=None)


def _only_refers_to(pointer: Pointer, gone: Set[int]) -> bool:
    """Whether nothing is wrong with an object but that its fields point to what is gone."""
    if pointer.is_gone or pointer.is_corrupt or pointer.wrong_type:
        return False
    return all(broken.value in gone for broken in pointer.violations)


def _read_from(root: Pointer, pointers: Sequence[Pointer], stack: CrashStack) -> Pointer | None:
    """The object whose type the bad pointer is taken for: it was read from there just now."""
    level = root.innermost.level
    for pointer in pointers:
        if pointer is root or not pointer.is_bad or pointer.ob_type != root.address:
            continue
        if any(stack.same_call(level, u.level) and u.level >= level for u in pointer.uses):
            return pointer
    return None
