"""``ft object ADDRESS``"""

from __future__ import annotations

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context


def run(context: Context, arguments: Arguments) -> None:
    address = show.object_address(context, arguments.words[0])
    liveness = show.headline(context, address)
    show.header(context, address)
    show.fields(context, address)
    show.violations(context, liveness, context.session.objects.invariants(address))


COMMAND = Command(
    "object",
    "decode the object at an address: header, liveness, fields",
    "Shows the free-threaded header in full (owner, local and shared reference counts, gc bits,\n"
    "mutex), what the heap says of the address, and the object's content. What is not an object\n"
    "is shown as such.",
    run,
    ("ADDRESS",),
    (),
    ("ft object 0x200000aff10", "ft object self", "ft object $rdi"),
)
