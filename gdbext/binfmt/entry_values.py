"""What a frame's argument registers held when its function was called, where the caller still
knows.
"""

from __future__ import annotations

from gdbext.binfmt.dwarf import callsites
from gdbext.binfmt.files import DwarfPlace, TargetFiles
from gdbext.target.protocol import Debugger
from gdbext.target.registers import PRESERVED, known_registers

MAX_DEPTH = 8
"""An entry value may be given by an entry value of the caller, and so on."""


class EntryValues:
    """Entry values of one stop."""

    def __init__(self, debugger: Debugger, files: TargetFiles) -> None:
        self._debugger = debugger
        self._files = files
        self._sites: dict[DwarfPlace, callsites.CallSite | None] = {}

    def register(self, lwp: int, level: int, number: int, depth: int = 0) -> int | None:
        """The register (by DWARF's number) as the function of that frame was called; None where
        nobody knows.
        """
        frames = self._debugger.frames(lwp, level + MAX_DEPTH)
        while level < len(frames) and frames[level].is_inlined:
            level += 1
        caller = level + 1
        if caller >= len(frames) or depth > MAX_DEPTH:
            return None
        found = self._files.dwarf_at(self._debugger, frames[caller].pc)
        if found is None:
            return None
        # Many threads wait in the same functions.
        if found not in self._sites:
            self._sites[found] = callsites.find(found.dwarf, found.address)
        site = self._sites[found]
        if site is None or number not in site.values:
            return None
        registers = self._debugger.registers(lwp, caller)
        outer = caller
        while outer < len(frames) and frames[outer].is_inlined:
            outer += 1
        # A frame's canonical address is the stack pointer that its own caller had before the call.
        base_address = (
            frames[outer + 1].sp if site.base_is_cfa and outer + 1 < len(frames) else None
        )

        def value(expression: bytes) -> int | None:
            return callsites.compute(
                expression,
                registers.get,
                base_address,
                lambda register: self.register(lwp, caller, register, depth + 1),
                self._debugger,
                frames[caller].pc - found.address,
            )

        # Another callee: the called function has ended in a jump to this one, with registers of its
        # own making.
        if site.callee is not None:
            is_called = site.callee == frames[level].function
        else:
            is_caller = known_registers(frames, level) == PRESERVED
            symbol = self._debugger.symbol_at(frames[level].pc - is_caller)
            is_called = (
                site.target is not None
                and symbol is not None
                and value(site.target) == symbol.address
            )
        return value(site.values[number]) if is_called else None
