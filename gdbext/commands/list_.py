"""``ft list ADDRESS``"""

from __future__ import annotations

from collections import Counter

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context, DebuggerError, Option, UsageError
from gdbext.model import Verdict
from gdbext.objects.decoded import List, Reference

DEFAULT_ITEMS = 20


def run(context: Context, arguments: Arguments) -> None:
    address = context.address(arguments.words[0])
    style, session = context.style, context.session
    show.headline(context, address, "list")
    found = session.objects.decode(address, "list")
    if not isinstance(found, List):
        raise DebuggerError(f"{address:#x} is not a list whose items can be read")
    items = session.objects.list_items(address)
    size = style("address", hex(found.buffer))
    context.write(f"  length {len(items)}, capacity {found.capacity}, items at {size}\n")
    show.violations(context, address, "list")
    verdicts = session.heap.judge_many(items)
    first, last = _range(arguments, len(items))
    stale = [i for i in range(first, last) if verdicts[i].is_dead]
    if arguments.flag("--stale"):
        for index in stale[:DEFAULT_ITEMS]:
            _item(context, found.buffer, index, items[index], verdicts[index])
    else:
        for index in range(first, min(last, first + DEFAULT_ITEMS)):
            _item(context, found.buffer, index, items[index], verdicts[index])
    counted = Counter(str(verdicts[i]) for i in stale)
    summary = ", ".join(f"{n} {word}" for word, n in counted.most_common())
    text = style("error", f"{show.BROKEN} {len(stale)} stale ({summary})") if stale else style("good", "✓ no stale item")
    context.write(f"  {text} of {last - first} judged\n")


def _item(context: Context, array: int, index: int, target: int, verdict: Verdict) -> None:
    if target == 0:
        context.write(f"  {index:<12} {context.style('error', f'{show.BROKEN} NULL')}\n")
        return
    show.slot(context, Reference(target, index, array + 8 * index))


def _range(arguments: Arguments, length: int) -> tuple[int, int]:
    """``10:20`` or ``10``; everything by default."""
    if len(arguments.words) < 2:
        return 0, length
    first, _, last = arguments.words[1].partition(":")
    try:
        low = int(first or "0", 0)
        high = int(last, 0) if last else (length if ":" in arguments.words[1] else low + 1)
    except ValueError:
        raise UsageError(f"`{arguments.words[1]}` is no range; write FIRST:LAST, for example 10:20") from None
    return max(0, min(low, length)), max(0, min(high, length))


COMMAND = Command(
    "list",
    "a list's items, each judged: which pointers are stale",
    "Judges every item against the heap. A stale item is one whose object was freed, is queued to be, or whose memory holds\n"
    "something else. LAST of a range is not included.",
    run,
    ("ADDRESS", "[FIRST:LAST]"),
    (Option("--stale", "show only the stale items"),),
    ("ft list v", "ft list v --stale", "ft list 0x20000375fb0 100:120"),
)
