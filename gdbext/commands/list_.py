"""``ft list ADDRESS``"""

from __future__ import annotations

from collections import Counter

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context, DebuggerError, Option, UsageError
from gdbext.cpython.objects.decoded import List, Reference
from gdbext.model import Verdict
from gdbext.reports.style import Style

MAX_ITEMS = 20


def run(context: Context, arguments: Arguments) -> None:
    address = show.object_address(context, arguments.words[0])
    style, session = context.style, context.session
    wanted = _slice(arguments)
    liveness = show.typed(context, arguments.words[0], address, "list")
    info = session.objects.type_of(address)
    if liveness is None:
        return
    if liveness.verdict.is_dead or info is None or not session.objects.is_a(info, "list"):
        context.write(f"  {style('dim', 'its items are not shown: no list is there')}\n")
        return
    found = session.objects.decode(address, "list")
    if not isinstance(found, List):
        raise DebuggerError(f"the list at {address:#x} cannot be read")
    items = session.objects.list_items(address)
    capacity = "unreadable" if found.capacity is None else found.capacity
    array = (
        f"capacity {capacity}, items at {style('address', hex(found.buffer))}"
        if found.buffer
        else "no array"
    )
    context.write(f"  length {found.length}, {array}\n")
    show.violations(context, liveness, session.objects.list_violations(address))
    first, last, _ = wanted.indices(len(items))
    if first >= last:
        context.write("  no items" + (" in that range\n" if len(items) else "\n"))
        return
    verdicts = session.heap.not_alive(items[first:last])
    # There may be millions of items, almost all of them alive.
    odd = [index for index in range(first, last) if items[index] in verdicts] if verdicts else []
    shown = odd if arguments.flag("--stale") else range(first, last)
    for index in shown[:MAX_ITEMS]:
        _item(context, found.buffer, index, items[index])
    if len(shown) > MAX_ITEMS:
        context.write(
            f"  … {len(shown) - MAX_ITEMS} more "
            f"(`ft list {address:#x} {shown[MAX_ITEMS]}:` goes on)\n"
        )
    counted = Counter(verdicts[items[index]] for index in odd)
    context.write(f"  {_summary(style, counted)} of {last - first} judged\n")


def _summary(style: Style, counted: Counter[Verdict]) -> str:
    """``2 stale (1 freed, 1 reused), 1 unknown``: what is dead for sure, and what else is not
    alive.
    """
    if not counted:
        return style("good", "✓ no stale item")
    dead = Counter({verdict: count for verdict, count in counted.items() if verdict.is_dead})
    details = ", ".join(f"{n} {verdict}" for verdict, n in dead.most_common())
    parts = [f"{dead.total()} stale ({details})"] if dead else []
    parts += [
        f"{count} {verdict}" for verdict, count in counted.most_common() if verdict not in dead
    ]
    return style("error", f"{show.BROKEN} {', '.join(parts)}")


def _item(context: Context, array: int, index: int, target: int) -> None:
    if target == 0:
        context.write(f"  {index:<12} {context.style('error', f'{show.BROKEN} NULL')}\n")
        return
    show.slot(context, Reference(target, index, array + 8 * index))


def _slice(arguments: Arguments) -> slice:
    """``10:20`` or ``10``, ends counted as Python does; everything by default."""
    if len(arguments.words) < 2:
        return slice(None)
    text = arguments.words[1]
    first, colon, last = text.partition(":")
    try:
        low = int(first, 0) if first else None
        high = int(last, 0) if last else None
    except ValueError:
        raise UsageError(f"`{text}` is not a range; write FIRST:LAST, for example 10:20") from None
    if colon or low is None:
        return slice(low, high)
    return slice(low, low + 1 or None)


COMMAND = Command(
    "list",
    "a list's items, each judged: which pointers are stale",
    "Judges every item against the heap. A stale item is one whose object was freed, is queued to\n"
    "be, or whose memory holds something else. LAST of a range is not included; negative numbers\n"
    "count from the end.",
    run,
    ("ADDRESS", "[FIRST:LAST]"),
    (Option("--stale", "show only the items that are not alive"),),
    ("ft list v", "ft list v --stale", "ft list 0x20000375fb0 100:120"),
)
