"""A stopped target and everything known of it, each part made when first asked for and dropped when the target runs."""

from __future__ import annotations

from functools import cached_property

from gdbext.debuggers import elf
from gdbext.debuggers.base import Debugger, DebuggerError, Module
from gdbext.debuggers.cache import CachedMemory
from gdbext.interpreter.runtime import Runtime, read_runtime
from gdbext.layout import tables
from gdbext.layout.debug_offsets import DebugOffsets, find_runtime, read_debug_offsets
from gdbext.layout.layout import Layout


class Session:
    """One stop of one target.  Use :func:`current` to get the one that is valid now."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.memory = CachedMemory(debugger)
        self.generation = debugger.generation()

    @cached_property
    def runtime_address(self) -> int:
        """The address of ``_PyRuntime``.

        Raises:
            DebuggerError: when this is no process, or no CPython 3.13 or later.
        """
        _ = self.debugger.kind
        if symbol := self.debugger.symbol("_PyRuntime"):
            return symbol.address
        mapped = {path for _, _, _, path in self._files}
        ranges = [(r.start, r.end) for r in self.debugger.regions() if r.writable and (r.path in mapped or not mapped)]
        if found := find_runtime(self.memory, ranges):
            return found
        raise DebuggerError(
            f"no CPython in this target: {self.debugger.executable or 'it'} has no _PyRuntime "
            "(for a core, make sure that the debugger has the same python that made it)"
        )

    @cached_property
    def _files(self) -> list[tuple[int, int, int, str]]:
        if self.debugger.path:
            return elf.read_core(self.debugger.path).files
        return elf.live_maps(self.debugger.pid)[1] if self.debugger.pid else []

    @cached_property
    def offsets(self) -> DebugOffsets:
        return read_debug_offsets(self.memory, self.runtime_address)

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.debugger.struct, self.offsets, tables.choose(self.offsets))

    @cached_property
    def runtime(self) -> Runtime:
        return read_runtime(self.memory, self.layout, self.runtime_address)

    @cached_property
    def modules(self) -> list[Module]:
        return list(self.debugger.modules())

    @cached_property
    def is_debug_build(self) -> bool | None:
        """Py_DEBUG or not: CPython's debug build also makes mimalloc's, whose pages carry keys."""
        page = self.layout.find("mi_page_t")
        return None if page is None else "keys" in page


_current: Session | None = None


def current(debugger: Debugger) -> Session:
    """The session of this stop: the last one as long as the target has not run since."""
    global _current
    if _current is None or _current.debugger is not debugger or _current.generation != debugger.generation():
        _current = Session(debugger)
    return _current
