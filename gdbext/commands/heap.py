"""``ft heap ADDRESS``"""

from __future__ import annotations

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context
from gdbext.reports.sanitize import visible


def run(context: Context, arguments: Arguments) -> None:
    address = context.address(arguments.words[0])
    style, session = context.style, context.session
    if session.heap.is_raw(address):
        context.write(
            f"{style('address', hex(address))}  "
            f"{style('dim', 'not memory for objects: memory of PyMem_Malloc')}\n"
        )
        liveness = session.heap.judge_block(address)
        show.verdict(context, liveness)
    else:
        liveness = show.headline(context, address)
    block = liveness.block
    if block is None:
        return
    owner = next((t for t in session.runtime.threads if t.address == block.owner_tstate), None)
    name = session.thread_name(owner.native_thread_id) if owner else None
    context.write(
        f"  block {style('address', hex(block.start))} + {address - block.start}, "
        f"{block.size} bytes, domain {block.domain}\n"
    )
    said = (
        f'thread "{visible(name or "?")}" (LWP {owner.native_thread_id})'
        if owner
        else "an exited thread (abandoned page)"
    )
    context.write(f"  page  {style('address', hex(block.page))}, owned by {said}\n")
    show.evidence(context, session.heap.owners(address))
    if block.freed_by:
        context.write("  freed by another thread than the owner\n")


COMMAND = Command(
    "heap",
    "is this address alive? its block, its page and whose that is",
    "One verdict with its evidence: live, immortal, freed, pending-free, cached, dying, reused,\n"
    "poisoned, never-allocated, interior, misaligned, unmapped, null, foreign or unknown.",
    run,
    ("ADDRESS",),
    (),
    ("ft heap 0x200000aff10", "ft heap $rax"),
)
