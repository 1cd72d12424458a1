"""``ft referrers ADDRESS``"""

from __future__ import annotations

from gdbext.commands.command import Arguments, Command, Context, DebuggerError
from gdbext.commands.progress import finished, reporter
from gdbext.cpython.allocator.referrers import Referrer
from gdbext.reports.sanitize import visible
from gdbext.wording import sentence

SHOWN = 40
LOWEST = 0x1000
"""Nothing is ever mapped below."""


def run(context: Context, arguments: Arguments) -> None:
    style = context.style
    address = context.address(arguments.words[0])
    if address < LOWEST:
        raise DebuggerError(f"{address:#x} is not the address of an object")
    result = context.session.heap.referrers(address, reporter(context, "searching"))
    finished(context)
    searched = "registers, stacks, Python frames, queues, modules' data and the heap"
    context.write(f"words that are {style('address', hex(address))}, in {searched}:\n")
    for referrer in result.found[:SHOWN]:
        place = style("address", hex(referrer.place)) + " " if referrer.place is not None else ""
        sure = "" if referrer.certain else style("dim", " (conservative: the word has this value)")
        context.write(f"  {referrer.kind:<9} {place}{visible(_text(context, referrer))}{sure}\n")
    if len(result.found) > SHOWN:
        context.write(f"  … {len(result.found) - SHOWN} more\n")
    if result.interrupted:
        context.write(style("warning", "interrupted: not all of memory was searched") + "\n")
    elif not result.found:
        context.write(f"nothing in the process holds {address:#x}\n")


def _text(context: Context, referrer: Referrer) -> str:
    """Where the word is; a static variable by its name: ``remembered, in data of …/boxmod.so``."""
    symbol = (
        context.session.debugger.symbol_at(referrer.place)
        if referrer.kind == "module" and referrer.place
        else None
    )
    if symbol is None or referrer.place is None:
        return sentence(referrer.text)
    offset = referrer.place - symbol.address
    return f"{symbol.name}{f'+{offset}' if offset else ''}, {sentence(referrer.text)}"


COMMAND = Command(
    "referrers",
    "who still holds this address: containers, instances, frames, stacks, registers, globals",
    "Searches the heap, threads' stacks and registers, Python frames, modules and queues. What is\n"
    "only a word of that value is marked. Ctrl-C ends the search with what it has found.",
    run,
    ("ADDRESS",),
    (),
    ("ft referrers 0x200000aff10",),
)
