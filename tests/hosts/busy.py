"""Makes a command ``busy`` that never ends by itself, for tests of Ctrl-C.  gdb sources it, LLDB
imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gdbext.backends.host import Host, terminal


class Busy:
    """The subcommands of ``busy``: one."""

    help = "Never ends."
    names: Sequence[str] = ("loop",)

    def summary(self, name: str) -> str:
        return "goes round and round"

    description = summary


def install(host: Host) -> None:
    def run(text: str) -> bool:
        stream = terminal()
        stream.write("busy now\n")
        stream.flush()
        try:
            while True:
                host.check_interrupt()
        except KeyboardInterrupt:
            host.write("stopped by the user\n")
        return False

    host.register("busy", run, lambda text, word: ["loop"], Busy())


def __lldb_init_module(debugger: Any, _session: object) -> None:
    from gdbext.backends.lldb.host import LldbHost

    install(LldbHost(debugger))


if __name__ == "__main__":
    from gdbext.backends.gdb.host import GdbHost

    install(GdbHost())
