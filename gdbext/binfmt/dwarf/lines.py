"""The source line of an instruction, straight from the debug information's line table.

Where optimisers leave nothing of an inlined function but its lines, several rows of the table have
one address.  gdb may take a row of a function that is not there any more: ``object.h:336`` for the
instruction that gcc counts to ``describe``.  The last row with the address is the one that goes
with the instruction, which is what LLDB takes.  (DWARF 5, section 6.2.)
"""

from __future__ import annotations

import bisect
import os
import struct
from functools import cached_property
from typing import NamedTuple

from gdbext.binfmt.dwarf.entries import NAME, DebugEntry, Dwarf, Malformed, Shape, leb, signed_leb

STATEMENT_LIST, BUILD_FOLDER = 0x10, 0x1B
"""DW_AT_stmt_list and DW_AT_comp_dir of a unit."""
PATH, FOLDER = 0x1, 0x2
"""DW_LNCT_path and DW_LNCT_directory_index: what is recorded of a file."""
MALFORMED = (Malformed, KeyError, IndexError, ZeroDivisionError, struct.error)


class Line(NamedTuple):
    """A place in a source file; ``file`` is below the folder of the build where that is all that is
    known.
    """

    file: str
    line: int


class UnitLines:
    """The line table of one compile unit, laid out for look-ups."""

    def __init__(self, dwarf: Dwarf, unit: int) -> None:
        """Raises one of MALFORMED where there is no such table."""
        top = dwarf.top(unit)
        self._folder = dwarf.text(top, BUILD_FOLDER) or ""
        self._table = _Table(
            dwarf, dwarf.file.names[".debug_line"].start + dwarf.number(top, STATEMENT_LIST)
        )
        places = self._table.places()
        self._starts = sorted(places)
        self._places = [places[start] for start in self._starts]

    def at(self, address: int) -> Line | None:
        """The line of the code at an address of the file; None where the table has none."""
        index = bisect.bisect_right(self._starts, address) - 1
        file, line = self._places[index] if index >= 0 else (0, 0)
        return Line(self.file(file), line) if line else None

    def file(self, number: int) -> str:
        """The path of a file that the unit names by number."""
        return os.path.normpath(os.path.join(self._folder, self._table.file(number)))


class Lines:
    """The places in source of one file's instructions."""

    def __init__(self, dwarf: Dwarf) -> None:
        self._dwarf = dwarf
        self._units: dict[int, UnitLines] = {}

    def at(self, address: int) -> Line | None:
        """The place that an instruction (in the file's own terms) was made from; None if nothing is
        known of it.
        """
        try:
            unit = self._dwarf.unit_at(address)
            return self._unit(unit[0]).at(address) if unit is not None else None
        except MALFORMED:
            return None

    def file(self, unit: int, number: int) -> str | None:
        """The path of a file that a unit names by number."""
        try:
            return self._unit(unit).file(number)
        except MALFORMED:
            return None

    def _unit(self, start: int) -> UnitLines:
        if start not in self._units:
            self._units[start] = UnitLines(self._dwarf, start)
        return self._units[start]


def build_folder(dwarf: Dwarf, address: int) -> str | None:
    """The folder in which the unit that has the instruction was compiled."""
    try:
        unit = dwarf.unit_at(address)
        return dwarf.text(dwarf.top(unit[0]), BUILD_FOLDER) if unit is not None else None
    except MALFORMED:
        return None


class _Table:
    """The line table that starts at an offset of the file."""

    def __init__(self, dwarf: Dwarf, at: int) -> None:
        self._dwarf = dwarf
        length, self._version = struct.unpack_from("<IH", dwarf.data, at)
        self._end = min(at + 4 + length, dwarf.file.names[".debug_line"].end)
        at += 8 if self._version >= 5 else 6
        (header,) = struct.unpack_from("<I", dwarf.data, at)
        self._program = at + 4 + header
        at += 4
        self._unit_size = dwarf.data[at]
        at += 2 if self._version >= 4 else 1
        _, self._line_base, self._line_range, self._first_special = struct.unpack_from(
            "<BbBB", dwarf.data, at
        )
        self._operands = dwarf.data[at + 4 : at + 3 + self._first_special]
        self._listing = at + 3 + self._first_special

    def places(self) -> dict[int, tuple[int, int]]:
        """(file, line) of the last row of each address; (0, 0) where a run of addresses ends."""
        base, span, step = self._line_base, self._line_range, self._unit_size
        special = self._first_special
        advances = [(code - special) // span * step for code in range(256)]
        steps = [base + (code - special) % span for code in range(256)]
        data, at = bytes(self._dwarf.data[self._program : self._end]), 0
        end = len(data)
        places: dict[int, tuple[int, int]] = {}
        address, file, line = 0, 1, 1
        # A unit has tens of thousands of these; the most frequent come first.
        while at < end:
            code = data[at]
            at += 1
            if code >= special:
                address += advances[code]
                line += steps[code]
                places[address] = file, line
            elif code == 5:  # DW_LNS_set_column
                while data[at] >= 0x80:
                    at += 1
                at += 1
            elif code == 6:  # DW_LNS_negate_stmt
                continue
            elif code == 1:  # DW_LNS_copy
                places[address] = file, line
            elif code == 3:  # DW_LNS_advance_line
                count = data[at]
                if count < 0x80:
                    at += 1
                    line += count - (count << 1 & 0x80)
                else:
                    count, at = signed_leb(data, at)
                    line += count
            elif code == 4:  # DW_LNS_set_file
                file, at = leb(data, at)
            elif code == 0:  # an extended one
                size, at = leb(data, at)
                if data[at] == 1:  # DW_LNE_end_sequence
                    places.setdefault(address, (0, 0))
                    address, file, line = 0, 1, 1
                elif data[at] == 2:  # DW_LNE_set_address
                    (address,) = struct.unpack_from("<Q", data, at + 1)
                at += size
            else:
                count, at = self._advance(code, data, at)
                address += count
        return places

    def _advance(self, code: int, data: bytes, at: int) -> tuple[int, int]:
        """(bytes by which one of the less frequent operations goes on, where the next one is)."""
        if code == 2:  # DW_LNS_advance_pc
            count, at = leb(data, at)
            return count * self._unit_size, at
        if code == 8:  # DW_LNS_const_add_pc
            return (255 - self._first_special) // self._line_range * self._unit_size, at
        if code == 9:  # DW_LNS_fixed_advance_pc
            return int.from_bytes(data[at : at + 2], "little"), at + 2
        for _ in range(self._operands[code - 1]):  # others, which change none of these
            _, at = leb(data, at)
        return 0, at

    def file(self, number: int) -> str:
        """The path of a file that rows name by number."""
        folders, files = self._names
        name, folder = files[number if self._version >= 5 else number - 1]
        return os.path.join(folders[folder], name)

    @cached_property
    def _names(self) -> tuple[list[str], list[tuple[str, int]]]:
        """The folders, and (name, number of the folder) of the files."""
        return self._listed() if self._version >= 5 else self._listed_before_5()

    def _listed(self) -> tuple[list[str], list[tuple[str, int]]]:
        folders, at = self._entries(self._listing)
        files, _ = self._entries(at)
        return [name for name, _ in folders], files

    def _entries(self, at: int) -> tuple[list[tuple[str, int]], int]:
        count = self._dwarf.data[at]
        at += 1
        fields = []
        for _ in range(count):
            kind, at = leb(self._dwarf.data, at)
            form, at = leb(self._dwarf.data, at)
            fields.append((kind, form))
        count, at = leb(self._dwarf.data, at)
        found = []
        for _ in range(count):
            values = {}
            for kind, form in fields:
                # Named as a debugging information entry's are, they are read as those.
                values[NAME if kind == PATH else kind << 16] = form, at
                at = self._dwarf.skip(form, at)
            entry = DebugEntry(0, Shape(0, False, (), {}), values, at)
            folder = self._dwarf.number(entry, FOLDER << 16) if FOLDER << 16 in values else 0
            found.append((self._dwarf.text(entry, NAME) or "", folder))
        return found, at

    def _listed_before_5(self) -> tuple[list[str], list[tuple[str, int]]]:
        data, at = self._dwarf.data, self._listing
        folders, files = [""], []
        while data[at]:
            folders.append(self._dwarf.file.text(at))
            at = data.find(b"\0", at) + 1
        at += 1
        while data[at]:
            name = self._dwarf.file.text(at)
            folder, at = leb(data, data.find(b"\0", at) + 1)
            files.append((name, folder))
            _, at = leb(data, leb(data, at)[1])
        return folders, files
