"""Pictures as inline SVG: the race, the container with its stale slots, the heap page with its
blocks, who waits for whom.

Every picture is drawn for a given width, so the page has one for a desk and one for a phone.  Looks
come from the page's style sheet; states are told apart by their words and by marks (a cross on dead
blocks), not by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from gdbext.frozen import dataclass
from gdbext.model import (
    ContainerView,
    HeapPage,
    ItemView,
    Race,
    RaceThread,
    Report,
    Verdict,
    hexaddr,
)
from gdbext.reports import story
from gdbext.reports.markup import Html, el, join
from gdbext.reports.sanitize import source_line, visible
from gdbext.wording import sentence

WIDE, NARROW = 960, 360
LINE = 18
PAD = 12
CHARACTER = 7.3
"""Width of a character in the pictures' 12 px monospace."""
THREADS_SHOWN = 6
SLOTS_SHOWN = 24
BLOCKS_SHOWN = 1024
BLOCK = 13
FAMILIES = {
    Verdict.LIVE: "live",
    Verdict.IMMORTAL: "live",
    Verdict.FREED: "dead",
    Verdict.PENDING_FREE: "pending",
    Verdict.CACHED: "pending",
    Verdict.DYING: "pending",
    Verdict.REUSED: "dead",
    Verdict.POISONED: "dead",
    Verdict.UNMAPPED: "dead",
    Verdict.NULL: "dead",
    Verdict.NEVER_ALLOCATED: "never",
}
LEGEND = {
    "live": "alive",
    "dead": "free",
    "pending": "waits to be freed",
    "never": "never used",
    "unknown": "unknown",
}


@dataclass
class Canvas:
    """Collects shapes; the height is known in the end."""

    width: int
    height: float = 0
    shapes: list[Html] = field(default_factory=list)

    def add(self, name: str, *content: str, **attributes: str | int | float | None) -> None:
        """Add an element of SVG."""
        self.shapes.append(
            el(
                name,
                *content,
                **{k: round(v, 1) if isinstance(v, float) else v for k, v in attributes.items()},
            )
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        class_: str = "",
        anchor: str = "start",
        room: float | None = None,
    ) -> None:
        """One line; cut to ``room`` pixels."""
        shown = visible(text)
        if room is not None and len(shown) * CHARACTER > room:
            shown = shown[: max(int(room / CHARACTER) - 1, 1)] + "…"
        self.add(
            "text",
            shown,
            x=x,
            y=y,
            class_=class_ or None,
            text_anchor=anchor if anchor != "start" else None,
        )

    def box(self, x: float, y: float, width: float, height: float, class_: str) -> None:
        """Add a rectangle with round corners; the picture grows to its lower edge."""
        self.add("rect", x=x, y=y, width=width, height=height, rx=6, class_=class_)
        self.height = max(self.height, y + height)

    def arrow(self, points: Sequence[tuple[float, float]], class_: str = "arrow") -> None:
        """Add a line through the points, with a head if its class is an arrow's."""
        path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.add(
            "path", d=path, class_=class_, marker_end="url(#tip)" if "arrow" in class_ else None
        )

    def svg(self, label: str, class_: str) -> Html:
        """The picture; ``label`` is its title, for those who do not see it."""
        height = self.height + 2
        return el(
            "svg",
            el("title", label),
            *self.shapes,
            viewBox=f"-1 -1 {self.width + 2} {height:.0f}",
            role="img",
            class_=f"picture {class_}",
        )


MARKERS = el(
    "svg",
    el(
        "defs",
        el(
            "marker",
            el("path", d="M0 0 L10 5 L0 10 z", class_="tip"),
            id="tip", viewBox="0 0 10 10", refX=9, refY=5, markerWidth=8, markerHeight=8,
            orient="auto-start-reverse",
        ),
    ),
    class_="defs", width=0, height=0, aria_hidden="true",
)  # fmt: skip
"""The arrow's tip, once a page."""


def for_both(draw: Callable[[int, str], Html | None]) -> Html:
    """A picture for a desk and one for a phone; the style sheet shows one of them."""
    return join(draw(width, look) for width, look in ((WIDE, "wide"), (NARROW, "narrow")))


def race(report: Report, found: Race, width: int, class_: str) -> Html:
    """Threads around the object they share: beside it on a desk, above and below it on a phone."""
    canvas = Canvas(width)
    threads = found.threads[:THREADS_SHOWN]
    owner = _lock_owner(report, found)
    lines = [
        found.object.type,
        hexaddr(found.object.address),
        f"lock held by {owner}" if owner else "nobody holds its lock",
    ]
    boxes = [_thread_lines(report, found, thread) for thread in threads]
    heights = [PAD * 2 + LINE * len(lines_) - 6 for lines_ in boxes]
    if width >= WIDE:
        _beside(canvas, boxes, heights, lines, bool(owner))
    else:
        _above_and_below(canvas, boxes, heights, lines, bool(owner))
    if len(found.threads) > len(threads):
        canvas.height += LINE
        canvas.text(
            0, canvas.height - 4, f"and {len(found.threads) - len(threads)} more threads", "soft"
        )
    names = " and ".join(visible(t.name or f"LWP {t.lwp}", 40) for t in threads)
    return canvas.svg(
        f"{names} use {found.object.type} {hexaddr(found.object.address)} at the same time", class_
    )


Line = tuple[str, str]


def _thread_lines(report: Report, found: Race, thread: RaceThread) -> list[Line]:
    """(class, text) of a thread's box."""
    info = next((t for t in report.threads if t.lwp == thread.lwp), None)
    crashed = info is not None and info.crashed
    lines = [
        (
            "strong bad" if crashed else "strong",
            f"{'✗ ' if crashed else ''}{thread.name or 'thread'} (LWP {thread.lwp})",
        )
    ]
    if thread.file:
        where = story.place(thread.file, thread.line) + (
            f" in {thread.function}" if thread.function else ""
        )
        lines.append(("soft", where))
    frame = story.race_frame(report, thread)
    if frame is not None and frame.source:
        lines.append(("code", source_line(frame.source).strip()))
    lines += [("", note) for note in story.race_notes(report, found, thread)]
    return lines


def _lock_owner(report: Report, found: Race) -> str | None:
    own = range(found.object.address, found.object.address + story.OBJECT_HEADER)
    holder = next((t for t in report.threads if any(lock in own for lock in t.holds)), None)
    return visible(holder.name or f"LWP {holder.lwp}", 30) if holder else None


def _draw_box(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    height: float,
    lines: Sequence[Line],
    class_: str = "thread",
) -> None:
    canvas.box(x, y, width, height, class_)
    for number, (look, text) in enumerate(lines):
        canvas.text(x + PAD, y + PAD + 10 + LINE * number, text, look, room=width - 2 * PAD)


def _draw_object(
    canvas: Canvas, x: float, y: float, width: float, lines: Sequence[str], is_locked: bool
) -> float:
    height = PAD * 2 + LINE * 3 - 6
    canvas.box(x, y, width, height, "object")
    for number, (text, look) in enumerate(zip(lines, ("strong type", "address", "soft"))):
        shift = 16 if number == 2 else 0
        canvas.text(
            x + width / 2 + shift / 2,
            y + PAD + 10 + LINE * number,
            text,
            look,
            "middle",
            width - 2 * PAD - shift,
        )
        if number == 2:
            half = min(len(text) * CHARACTER, width - 2 * PAD) / 2
            _draw_lock(canvas, x + width / 2 - half - 8, y + PAD + LINE * number, is_locked)
    return height


def _draw_lock(canvas: Canvas, x: float, y: float, is_closed: bool) -> None:
    canvas.add("rect", x=x, y=y + 4, width=10, height=8, rx=1.5, class_="lock")
    shackle = f"M{x + 2:.1f} {y + 4:.1f} v-2 a3 3 0 0 1 6 0" + (" v2" if is_closed else " v0")
    canvas.add("path", d=shackle, class_="shackle")


def _beside(
    canvas: Canvas,
    boxes: Sequence[Sequence[Line]],
    heights: Sequence[float],
    lines: Sequence[str],
    is_locked: bool,
) -> None:
    side, middle = 320.0, 220.0
    columns = [sum(heights[i] + PAD for i in range(start, len(boxes), 2)) - PAD for start in (0, 1)]
    total = max(*columns, PAD * 2 + LINE * 3 - 6)
    center_x, center_y = (canvas.width - middle) / 2, (total - (PAD * 2 + LINE * 3 - 6)) / 2
    height = _draw_object(canvas, center_x, center_y, middle, lines, is_locked)
    for start in (0, 1):
        y = (total - columns[start]) / 2
        for i in range(start, len(boxes), 2):
            x = 0.0 if start == 0 else canvas.width - side
            _draw_box(canvas, x, y, side, heights[i], boxes[i])
            edge, target = (side, center_x) if start == 0 else (x, center_x + middle)
            middle_y = y + heights[i] / 2
            hit = min(max(middle_y, center_y + 14), center_y + height - 14)
            canvas.arrow([(edge, middle_y), (target, hit)])
            y += heights[i] + PAD


def _above_and_below(
    canvas: Canvas,
    boxes: Sequence[Sequence[Line]],
    heights: Sequence[float],
    lines: Sequence[str],
    is_locked: bool,
) -> None:
    y, gap, center = 0.0, 26.0, canvas.width / 2
    first = (len(boxes) + 1) // 2
    for i in range(first):
        _draw_box(canvas, 0, y, canvas.width, heights[i], boxes[i])
        y += heights[i] + (gap if i == first - 1 else PAD)
    canvas.arrow([(center, y - gap), (center, y)])
    y += _draw_object(canvas, center - 120, y, 240, lines, is_locked)
    if len(boxes) > first:
        canvas.arrow([(center, y + gap), (center, y)])
        y += gap
    for i in range(first, len(boxes)):
        _draw_box(canvas, 0, y, canvas.width, heights[i], boxes[i])
        y += heights[i] + PAD


def container(view: ContainerView, focus: int | str | None, width: int, class_: str) -> Html:
    """The slots: those that point to dead memory crossed, those behind the length dashed."""
    canvas = Canvas(width)
    size = f"length {view.length}" if view.length is not None else ""
    room = f"room for {view.capacity}" if view.capacity is not None else ""
    has_beyond = any(_is_beyond(view, slot) for slot in view.slots)
    title = ", ".join(
        part for part in (size, room, "dashed: beyond its length" if has_beyond else "") if part
    )
    canvas.text(0, 13, f"{view.type} {hexaddr(view.address)}", "strong")
    canvas.text(0, 13 + LINE, title, "soft", room=width)
    shown = _window(view.slots, focus)
    cell_width, cell_height, gap = 126.0, 62.0, 6.0
    columns = max(int((width + gap) // (cell_width + gap)), 1)
    cell_width = (width - gap * (columns - 1)) / columns
    top = 13 + LINE + 12
    for position, slot in enumerate(shown):
        x = (position % columns) * (cell_width + gap)
        y = top + (position // columns) * (cell_height + gap)
        is_focus = slot.index == focus
        is_dead = slot.verdict is not None and slot.verdict.is_dead
        looks = {
            "slot": True,
            _family(slot.verdict): True,
            "beyond": _is_beyond(view, slot),
            "focus": is_focus,
        }
        canvas.box(
            x, y, cell_width, cell_height, " ".join(look for look, holds in looks.items() if holds)
        )
        lines = [
            (
                "strong" if is_focus else "soft",
                f"[{slot.index}]{' reader' if is_focus and isinstance(focus, int) else ''}",
            ),
            ("bad" if is_dead else "", f"{'✗ ' if is_dead else ''}{slot.verdict or '?'}"),
            ("soft", slot.type or _tail(slot.address)),
        ]
        for number, (look, text) in enumerate(lines):
            canvas.text(x + 8, y + 18 + 17 * number, text, look, room=cell_width - 14)
    if len(shown) < len(view.slots):
        canvas.height += LINE + 2
        canvas.text(0, canvas.height - 4, f"and {len(view.slots) - len(shown)} more slots", "soft")
    return canvas.svg(f"{view.type} {hexaddr(view.address)}: {title}", class_)


def _family(verdict: Verdict | None) -> str:
    """How a state looks."""
    return FAMILIES.get(verdict, "unknown") if verdict is not None else "unknown"


def _is_beyond(view: ContainerView, slot: ItemView) -> bool:
    """Whether the slot still stands in the array but not in the container any more."""
    return isinstance(slot.index, int) and view.length is not None and slot.index >= view.length


def _window(slots: Sequence[ItemView], focus: int | str | None) -> list[ItemView]:
    """The slot in question with its neighbours; dead ones before live ones where there are too
    many.
    """
    if len(slots) <= SLOTS_SHOWN:
        return list(slots)
    at = next((i for i, slot in enumerate(slots) if slot.index == focus), 0)
    near = set(range(max(at - 3, 0), min(at + 4, len(slots))))
    dead = [
        i
        for i, slot in enumerate(slots)
        if slot.verdict is not None and slot.verdict.is_dead and i not in near
    ]
    rest = [i for i in range(len(slots)) if i not in near and i not in set(dead)]
    chosen = sorted([*near, *[*dead, *rest][: SLOTS_SHOWN - len(near)]])
    return [slots[i] for i in chosen]


def _tail(address: int | None) -> str:
    """The end of an address, which tells neighbours apart."""
    if address is None:
        return ""
    digits = f"{address:x}"
    return f"…{digits[-6:]}" if len(digits) > 8 else hexaddr(address)


def page(heap: HeapPage, width: int, class_: str) -> Html:
    """Every block a small square, in the order of memory; the one in question has a frame."""
    canvas = Canvas(width)
    owner = f"owned by {visible(heap.owner, 40)}" if heap.owner else "no owner known"
    title = f"{heap.block_size}-byte blocks from {hexaddr(heap.start)}"
    canvas.text(0, 13, f"heap page {hexaddr(heap.page)}", "strong")
    canvas.text(0, 13 + LINE, f"{title}, {owner}", "soft", room=width)
    top, columns = 13.0 + LINE + 10, width // BLOCK
    first = max((heap.focus or 0) - BLOCKS_SHOWN // 2, 0) // columns * columns
    shapes: dict[str, list[str]] = {}
    last = first
    for run in heap.runs:
        family = _family(run.state)
        for number in range(
            max(run.first, first), min(run.first + run.count, first + BLOCKS_SHOWN)
        ):
            x, y = _block_place(number - first, columns, top)
            shapes.setdefault(family, []).append(_square(x, y))
            if family in ("dead", "pending"):
                shapes.setdefault(f"{family} mark", []).append(_mark(x, y, family))
            last = max(last, number)
    for look, paths in shapes.items():
        canvas.add("path", d=Html("".join(paths)), class_=f"block {look}")
    canvas.height = top + ((last - first) // columns + 1) * BLOCK
    if heap.focus is not None and first <= heap.focus <= last:
        x, y = _block_place(heap.focus - first, columns, top)
        canvas.add(
            "rect", x=x - 2, y=y - 2, width=BLOCK + 2.0, height=BLOCK + 2.0, class_="focus-frame"
        )
        address = hexaddr(heap.start + heap.focus * heap.block_size)
        canvas.height += LINE + 2
        canvas.text(
            0, canvas.height - 4, f"framed: block {heap.focus} at {address}", "soft", room=width
        )
    _legend(canvas, [(family, words) for family, words in LEGEND.items() if family in shapes])
    return canvas.svg(f"Heap page {hexaddr(heap.page)}: {title}", class_)


def _legend(canvas: Canvas, entries: Sequence[tuple[str, str]]) -> None:
    """A block of each kind with its meaning, below the picture."""
    x = 0.0
    canvas.height += 8
    for family, words in entries:
        need = 18 + len(words) * CHARACTER + 12
        if x + need > canvas.width:
            x = 0.0
            canvas.height += LINE
        canvas.add("path", d=_square(x, canvas.height + 2), class_=f"block {family}")
        if family in ("dead", "pending"):
            canvas.add("path", d=_mark(x, canvas.height + 2, family), class_=f"block {family} mark")
        canvas.text(x + 18, canvas.height + 12, words, "soft")
        x += need
    canvas.height += LINE


def _block_place(number: int, columns: int, top: float) -> tuple[float, float]:
    return (number % columns) * BLOCK + 1.0, top + (number // columns) * BLOCK


def _square(x: float, y: float) -> str:
    side = BLOCK - 2
    return f"M{x:.0f} {y:.0f}h{side}v{side}h-{side}z"


def _mark(x: float, y: float, family: str) -> str:
    side = BLOCK - 2
    stroke = f"M{x:.0f} {y + side:.0f}l{side} -{side}"
    return stroke if family == "pending" else f"{stroke}M{x:.0f} {y:.0f}l{side} {side}"


def waits(report: Report, width: int, class_: str) -> Html | None:
    """Threads and the locks they hold (solid, from the lock) and wait for (dashed, to the lock);
    None if nobody waits for a lock that another thread holds.
    """
    holders = {lock: t.lwp for t in report.threads for lock in t.holds}
    stuck = [t for t in report.threads if t.waits_for in holders and holders[t.waits_for] != t.lwp]
    if not stuck:
        return None
    named = {t.lwp for t in stuck} | {holders[t.waits_for] for t in stuck if t.waits_for in holders}
    threads = [t for t in report.threads if t.lwp in named][:THREADS_SHOWN]
    locks = list(dict.fromkeys(t.waits_for for t in threads if t.waits_for in holders))
    canvas = Canvas(width)
    side = width * 0.4
    height, step = PAD * 2 + LINE * 2 - 6.0, PAD * 2 + LINE * 2 + 14.0
    names = {lock.address: visible(sentence(lock.name), 60) for lock in report.locks}
    places = {}
    for number, lock in enumerate(locks):
        assert lock is not None
        places[lock] = number * step + height / 2
        _draw_box(
            canvas,
            width - side,
            number * step,
            side,
            height,
            [("strong", names.get(lock, "lock")), ("address", hexaddr(lock))],
            "object",
        )
    for number, thread in enumerate(threads):
        y = number * step
        frame = thread.python[0] if thread.python else None
        where = story.place(frame.file, frame.line) if frame else thread.doing or ""
        _draw_box(
            canvas,
            0,
            y,
            side,
            height,
            [("strong", thread.name or f"LWP {thread.lwp}"), ("soft", where)],
        )
        for lock in (lock for lock in thread.holds if lock in places):
            canvas.arrow(
                [(width - side, places[lock] - 8), (side, y + height / 2 - 8)], "arrow holds"
            )
        if thread.waits_for in places:
            canvas.arrow(
                [(side, y + height / 2 + 8), (width - side, places[thread.waits_for] + 8)],
                "arrow waits",
            )
    canvas.height += LINE + 4
    canvas.text(0, canvas.height - 4, "solid: is held by · dashed: waits for", "soft", room=width)
    return canvas.svg("Who waits for whose lock", class_)
