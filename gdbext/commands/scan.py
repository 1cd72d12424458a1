"""``ft scan [--orphans]``"""

from __future__ import annotations

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context, Option
from gdbext.commands.progress import finished, reporter
from gdbext.reports.sanitize import visible

SHOWN = 12


def run(context: Context, arguments: Arguments) -> None:
    if arguments.flag("--orphans"):
        _orphans(context)
    else:
        _scan(context)


def _scan(context: Context) -> None:
    style = context.style
    found = context.session.heap.scan(reporter(context, "scanning"))
    finished(context)
    context.write(f"{found.pages} pages, {found.objects} living objects{_cut(context, found.interrupted)}\n")
    for corruption in found.corruptions[:SHOWN]:
        note = "  (a thread was in the middle of changing it)" if corruption.is_snapshot else ""
        context.write(f"{style('error', f'{show.BROKEN} FT105')} {visible(corruption.title)}{note}\n")
        show.evidence(context, corruption.evidence)
    for broken in found.broken[:SHOWN]:
        context.write(
            f"{style('error', show.BROKEN)} {style('address', hex(broken.address))} {broken.verdict}: {visible(broken.reason)}\n"
        )
        show.evidence(context, broken.evidence)
    for item in found.stale[:SHOWN]:
        holder = f"{visible(item.type)} {style('address', hex(item.holder))}"
        target = f"{style('address', hex(item.target.address))} {item.target.verdict}"
        note = "  (it may still be in the making)" if item.is_snapshot else ""
        context.write(f"{style('error', f'{show.BROKEN} stale')} {holder} {visible(str(item.slot))} → {target}{note}\n")
    more = sum(max(len(group) - SHOWN, 0) for group in (found.corruptions, found.broken, found.stale))
    if more:
        context.write(f"… {more} more\n")
    if found.is_sound:
        said = "nothing wrong found so far" if found.interrupted else style("good", "✓ nothing wrong found")
        context.write(said + "\n")


def _orphans(context: Context) -> None:
    style = context.style
    found = context.session.heap.orphans(reporter(context, "searching"))
    finished(context)
    tied = [o for o in found.found if o.unions]
    context.write(f"{found.searched} objects searched{_cut(context, found.interrupted)}\n")
    if not found.found:
        said = "which of them nothing refers to is known only at the end" if found.interrupted else None
        context.write((said or style("good", "✓ every living object is referred to")) + "\n")
        return
    context.write(f"{style('error', f'{show.BROKEN} {len(found.found)} orphans')}: nothing in the process refers to them\n")
    if tied:
        text = f"{show.BROKEN} FT202 union parameters raced"
        context.write(f"{style('error', text)}: {len(tied)} of them are second parameters tuples of unions (gh-132713)\n")
    for orphan in [*tied, *(o for o in found.found if not o.unions)][:SHOWN]:
        unions = f"  made for union {style('address', hex(orphan.unions[0]))}" if orphan.unions else ""
        if len(orphan.unions) > 1:
            unions += f" or {len(orphan.unions) - 1} others like it"
        context.write(f"  {style('address', hex(orphan.address))} {visible(orphan.type)} refcount {orphan.refcount}{unions}\n")
    if len(found.found) > SHOWN:
        context.write(f"  … {len(found.found) - SHOWN} more\n")
    if found.unread:
        size = sum(end - start for start, end in found.unread)
        context.write(style("warning", f"{size} bytes of memory could not be read; what refers to an orphan may be there") + "\n")


def _cut(context: Context, interrupted: bool) -> str:
    return context.style("warning", " (interrupted: not all was looked at)") if interrupted else ""


COMMAND = Command(
    "scan",
    "walk the whole heap: impossible objects, stale items, damaged lists; or orphans",
    "Walks every page. With --orphans: living objects that nothing in the process refers to, such as the second parameters tuple\n"
    "of a union that two threads initialised at once (FT202). Ctrl-C ends the walk with what it has found.",
    run,
    (),
    (Option("--orphans", "search objects that nothing refers to"),),
    ("ft scan", "ft scan --orphans"),
)
