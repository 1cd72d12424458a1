"""``ft union ADDRESS``"""

from __future__ import annotations

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context


def run(context: Context, arguments: Arguments) -> None:
    address = show.object_address(context, arguments.words[0])
    liveness = show.typed(context, arguments.words[0], address, "types.UnionType")
    if liveness is None:
        return
    show.header(context, address)
    show.fields(context, address, "types.UnionType")
    show.violations(
        context, liveness, context.session.objects.invariants(address, "types.UnionType")
    )


COMMAND = Command(
    "union",
    "decode a typing.Union / types.UnionType and check its invariants",
    (
        "args must be an exact tuple of two items or more, parameters NULL or an exact tuple, and\n"
        "from 3.14 on hashable_args a frozenset. What is broken is marked ✗. "
        "Memory that no longer holds a\nunion is never shown as one."
    ),
    run,
    ("ADDRESS",),
    (),
    ("ft union self", "ft union 0x200000aff10"),
)
