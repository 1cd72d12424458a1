"""``ft scan [--orphans]``"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context, Option
from gdbext.commands.progress import finished, reporter
from gdbext.cpython.allocator.health import Corruption
from gdbext.reports.sanitize import visible
from gdbext.wording import sentence
from gdbext.wording.slots import slot_label

SHOWN = 12
PLACES = 6
NUMBERS = re.compile(r"\b0x[0-9a-f]+|\b\d+")


def run(context: Context, arguments: Arguments) -> None:
    if arguments.flag("--orphans"):
        _orphans(context)
    else:
        _scan(context)


def _scan(context: Context) -> None:
    style = context.style
    found = context.session.heap.scan(reporter(context, "scanning"))
    finished(context)
    context.write(
        f"{found.pages} pages, {found.objects} living objects{_cut(context, found.interrupted)}\n"
    )
    damage, in_transit = (
        grouped(c for c in found.corruptions if not c.is_snapshot),
        [c for c in found.corruptions if c.is_snapshot],
    )
    for group in damage[:SHOWN]:
        context.write(
            f"{style('error', f'{show.BROKEN} FT105')} {visible(sentence(group[0].title))}\n"
        )
        show.evidence(context, group[0].evidence)
        if len(group) > 1:
            context.write(f"    and {len(group) - 1} more like it: {_places(context, group[1:])}\n")
    for broken in found.broken[:SHOWN]:
        context.write(
            f"{style('error', show.BROKEN)} {style('address', hex(broken.address))} "
            f"{broken.verdict}: {visible(sentence(broken.reason))}\n"
        )
        show.evidence(context, broken.evidence)
    for item in sorted(found.stale, key=lambda item: item.is_snapshot)[:SHOWN]:
        holder = f"{visible(item.type)} {style('address', hex(item.holder))}"
        target = f"{style('address', hex(item.target.address))} {item.target.verdict}"
        note = "  (it may still be in the making)" if item.is_snapshot else ""
        sign = style("dim", "stale") if item.is_snapshot else style("error", f"{show.BROKEN} stale")
        context.write(f"{sign} {holder} {visible(slot_label(item.slot))} → {target}{note}\n")
    for group in grouped(in_transit):
        what = f"no damage, a thread was in the middle of a change: {_kind(group[0])}"
        context.write(f"{style('dim', visible(what))}: {_places(context, group)}\n")
    more = sum(max(len(group) - SHOWN, 0) for group in (damage, found.broken, found.stale))
    if more:
        context.write(f"… {more} more\n")
    if found.is_sound:
        said = (
            "nothing wrong found so far"
            if found.interrupted
            else style("good", "✓ nothing wrong found")
        )
        context.write(said + "\n")


def grouped(corruptions: Iterable[Corruption]) -> list[list[Corruption]]:
    """Damage of one kind together, in the order of each kind's first."""
    kinds: dict[str, list[Corruption]] = {}
    for corruption in corruptions:
        kinds.setdefault(_kind(corruption), []).append(corruption)
    return list(kinds.values())


def _kind(corruption: Corruption) -> str:
    """What is wrong, without the place: the flaw of a list, else the title's words."""
    if corruption.damage:
        return sentence(corruption.damage.flaw.claim)
    return NUMBERS.sub("…", sentence(corruption.title))


def _places(context: Context, group: Sequence[Corruption]) -> str:
    """Where the damage is, each place a word for the next command; the first few."""
    places = [c.damage.page.address if c.damage else c.subject for c in group]
    shown = [
        context.style("address", hex(place)) for place in dict.fromkeys(places) if place is not None
    ]
    return ", ".join(shown[:PLACES]) + (
        f" … {len(shown) - PLACES} more" if len(shown) > PLACES else ""
    )


def _orphans(context: Context) -> None:
    style = context.style
    found = context.session.heap.orphans(reporter(context, "searching"))
    finished(context)
    tied = [o for o in found.found if o.unions]
    context.write(f"{found.searched} objects searched{_cut(context, found.interrupted)}\n")
    if not found.found:
        said = (
            "which of them nothing refers to is known only at the end"
            if found.interrupted
            else None
        )
        context.write((said or style("good", "✓ every living object is referred to")) + "\n")
        return
    context.write(
        f"{style('error', f'{show.BROKEN} {len(found.found)} orphans')}: "
        "nothing in the process refers to them\n"
    )
    if tied:
        text = f"{show.BROKEN} FT202 union parameters raced"
        context.write(
            f"{style('error', text)}: "
            f"{len(tied)} of them are second parameters tuples of unions (gh-132713)\n"
        )
    for orphan in [*tied, *(o for o in found.found if not o.unions)][:SHOWN]:
        unions = (
            f"  made for union {style('address', hex(orphan.unions[0]))}" if orphan.unions else ""
        )
        if len(orphan.unions) > 1:
            unions += f" or {len(orphan.unions) - 1} others like it"
        context.write(
            f"  {style('address', hex(orphan.address))} {visible(orphan.type)} "
            f"refcount {orphan.refcount}{unions}\n"
        )
    if len(found.found) > SHOWN:
        context.write(f"  … {len(found.found) - SHOWN} more\n")
    if found.unread:
        size = sum(end - start for start, end in found.unread)
        context.write(
            style(
                "warning",
                f"{size} bytes of memory could not be read; what refers to an orphan may be there",
            )
            + "\n"
        )


def _cut(context: Context, interrupted: bool) -> str:
    return context.style("warning", " (interrupted: not all was looked at)") if interrupted else ""


COMMAND = Command(
    "scan",
    "walk the whole heap: impossible objects, stale items, damaged lists; or orphans",
    "Walks every page. With --orphans: living objects that nothing in the process refers to, such\n"
    "as the second parameters tuple of a union that two threads initialised at once (FT202).\n"
    "Ctrl-C ends the walk with what it has found.",
    run,
    (),
    (Option("--orphans", "search objects that nothing refers to"),),
    ("ft scan", "ft scan --orphans"),
)
