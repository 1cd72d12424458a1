"""``queue.SimpleQueue`` (CPython's Modules/_queuemodule.c): a ring of the items that wait."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Reference
from gdbext.cpython.objects.family import Family
from gdbext.cpython.objects.reader import MAX_WORDS


class SimpleQueueFamily(Family):
    """``_queue.SimpleQueue``: of the ring's ``items_cap`` words ``num_items``, from ``get_idx`` on.

    While a thread puts or takes an item they need not fit: nothing is wrong then.
    """

    names = ("_queue.SimpleQueue",)
    struct = "simplequeueobject"

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        names = ("buf.get_idx", "buf.items", "buf.items_cap", "buf.num_items")
        first, items, room, count = core.fields(self.struct, address, *names)
        if not 0 < count <= room <= MAX_WORDS or first >= room:
            return
        head = core.words(items + 8 * first, min(count, room - first))
        tail = core.words(items, count - len(head))
        for index, item in enumerate((*head, *tail)):
            if item:
                yield Reference(item, index, items + 8 * ((first + index) % room))


FAMILIES = (SimpleQueueFamily(),)
