"""Objects of the dead process as Python values, and tables of what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Generic, TypeVar, overload

from gdbext.frozen import dataclass
from gdbext.model import Confidence, Liveness, Verdict
from gdbext.reports.markup import el
from gdbext.reports.sanitize import visible
from gdbext.session import Session as Target
from gdbext.target.protocol import MemoryFault
from gdbext.wording import sentence
from gdbext.wording.slots import slot_label

Row = TypeVar("Row")
MOST_TEXT = 200
MOST_FIELDS = 200
SHOWN = 40
BROKEN = "✗"


class Table(Sequence[Row], Generic[Row]):
    """Values of one kind, shown as a table.

    ``columns`` names each column and says what a value has in it.
    """

    def __init__(
        self, rows: Sequence[Row], columns: Sequence[tuple[str, Callable[[Row], object]]]
    ) -> None:
        self._rows = tuple(rows)
        self._columns = tuple(columns)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Table[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Table[Row]:
        if isinstance(index, slice):
            return Table(self._rows[index], self._columns)
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def _cells(self) -> list[list[str]]:
        return [[_text(get(row)) for _, get in self._columns] for row in self._rows[:SHOWN]]

    @property
    def _rest(self) -> str | None:
        more = len(self._rows) - SHOWN
        return f"… {more} more" if more > 0 else None

    def __repr__(self) -> str:
        if not self._rows:
            return "nothing"
        lines = [[name for name, _ in self._columns], *self._cells()]
        widths = [max(map(len, column)) for column in zip(*lines)]
        text = (
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths)) for line in lines
        )
        return "\n".join([*map(str.rstrip, text), *([self._rest] if self._rest else [])])

    def _repr_html_(self) -> str:
        head = el("tr", *(el("th", name) for name, _ in self._columns))
        body = (el("tr", *(el("td", cell) for cell in line)) for line in self._cells())
        rest = el("caption", self._rest) if self._rest else None
        return el("table", rest, el("thead", head), el("tbody", *body))


@dataclass(frozen=True)
class Item:
    """One item of a sequence: where it points, and what the heap says of that."""

    index: int
    address: int
    verdict: Verdict


@dataclass(frozen=True)
class Object:
    """An object, or what is left of one, at an address.

    >>> v = session.object("v")                                 # doctest: +SKIP
    >>> v.type, v.verdict, len(v.items)                         # doctest: +SKIP
    ('list', <Verdict.LIVE: 'live'>, 3)
    >>> v[2]                                                    # doctest: +SKIP
    <types.UnionType at 0x200000aff10, freed proven>
    """

    _target: Target
    address: int

    @cached_property
    def type(self) -> str | None:
        """Its type's name; None where there is no object, or no longer one."""
        info = self._target.objects.type_of(self.address)
        return info.name if info is not None else None

    @cached_property
    def liveness(self) -> Liveness:
        """What the heap says of the address, with the evidence."""
        return self._target.heap.judge(self.address)

    @property
    def verdict(self) -> Verdict:
        """``live``, ``freed`` …"""
        return self.liveness.verdict

    @property
    def confidence(self) -> Confidence:
        """How sure the verdict is."""
        return self.liveness.confidence

    @property
    def is_alive(self) -> bool:
        """Whether it is an object now."""
        return self.type is not None and not self.verdict.is_dead

    @cached_property
    def refcount(self) -> int | None:
        """Its reference count; None where its header cannot be read."""
        try:
            return self._target.objects.header(self.address).refcount
        except MemoryFault:
            return None

    @cached_property
    def text(self) -> str:
        """A bounded repr of what it was, made from memory alone; stale items are marked ``✗``."""
        heap = self._target.heap
        return self._target.objects.repr(
            self.address, is_stale=lambda item: heap.judge(item).verdict.is_dead
        )

    @cached_property
    def fields(self) -> dict[str, Object]:
        """What it refers to, by field, key or index, as far as it is an object: at most
        200.
        """
        if self.verdict.is_dead:
            return {}
        found: dict[str, Object] = {}
        for reference, _ in zip(self._target.objects.children(self.address), range(MOST_FIELDS)):
            found[slot_label(reference.slot)] = Object(self._target, reference.target)
        return found

    @cached_property
    def items(self) -> Table[Item]:
        """All items of a list or tuple, each judged; empty for anything else."""
        objects, heap = self._target.objects, self._target.heap
        info = objects.type_of(self.address)
        addresses: Sequence[int] = ()
        if info is not None and not self.verdict.is_dead:
            if objects.is_a(info, "list"):
                addresses = objects.list_items(self.address)
            elif objects.is_a(info, "tuple"):
                addresses = objects.tuple_items(self.address)
        verdicts = heap.judge_many(addresses)
        rows = [Item(i, a, v) for i, (a, v) in enumerate(zip(addresses, verdicts))]
        columns: Sequence[tuple[str, Callable[[Item], object]]] = (
            ("index", lambda item: item.index),
            ("address", lambda item: hex(item.address)),
            ("verdict", lambda item: f"{BROKEN if item.verdict.is_dead else ' '} {item.verdict}"),
        )
        return Table(rows, columns)

    def stale_items(self) -> Table[Item]:
        """The items whose objects are no more."""
        stale = [item for item in self.items if item.verdict.is_dead]
        return Table(stale, self.items._columns)

    @overload
    def __getitem__(self, key: int) -> Object: ...
    @overload
    def __getitem__(self, key: str) -> Object: ...
    def __getitem__(self, key: int | str) -> Object:
        """An item of a list or tuple by its index, or what a field refers to by its name."""
        if isinstance(key, str):
            return self.fields[key]
        return Object(self._target, self.items[key].address)

    def __iter__(self) -> Iterator[Object]:
        return (Object(self._target, item.address) for item in self.items)

    def __repr__(self) -> str:
        what = visible(self.type, MOST_TEXT) if self.type else "no object"
        text = f": {visible(self.text, MOST_TEXT)}" if self.is_alive else ""
        return f"<{what} at {self.address:#x}, {self.verdict} {self.confidence}{text}>"

    def _repr_html_(self) -> str:
        sign = f"{BROKEN} " if self.verdict.is_dead or self.type is None else ""
        reason = f" · {visible(sentence(self.liveness.reason))}" if self.liveness.reason else ""
        caption = f"{sign}{visible(self.type or 'no object', MOST_TEXT)} {self.address:#x} · "
        caption += f"{self.verdict} {self.confidence}{reason}"
        rows = [
            el("tr", el("th", _text(name)), el("td", hex(target.address)), el("td", repr(target)))
            for name, target in list(self.fields.items())[:SHOWN]
        ]
        return el("table", el("caption", caption), el("tbody", *rows))


def _text(value: object) -> str:
    return visible(str(value), MOST_TEXT) if value is not None else ""
