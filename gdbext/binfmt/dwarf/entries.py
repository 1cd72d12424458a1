"""Debug information read from the file itself, a few entries of it: what the debuggers do not tell,
or not rightly.

Only what gcc writes without being asked otherwise: 32-bit DWARF 4 and 5, address ranges in
``.debug_aranges``, no compressed sections.  Whatever is missing or malformed has no entries.
(DWARF 5, chapter 7.)
"""

from __future__ import annotations

import bisect
import functools
import mmap
import struct
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from gdbext.binfmt.sections import ElfFile

ADDRESS, STRING, BLOCK, SDATA, REF_ADDR, REF4, EXPRLOC, IMPLICIT_CONST = (
    0x01,
    0x08,
    0x09,
    0x0D,
    0x10,
    0x13,
    0x18,
    0x21,
)
FIXED = {
    0x01: 8,
    0x05: 2,
    0x06: 4,
    0x07: 8,
    0x0B: 1,
    0x0C: 1,
    0x0E: 4,
    0x10: 4,
    0x11: 1,
    0x12: 2,
    0x13: 4,
    0x14: 8,
    0x17: 4,
    0x1E: 16,
    0x1F: 4,
    0x20: 8,
}
"""Sizes of forms: addresses, data, references, offsets into other sections."""
LENGTHS = (0x0B, 0x05, 0x06, 0x07)
"""DW_FORM_data1, 2, 4, 8."""
NOTHING = (0x19, IMPLICIT_CONST)
"""DW_FORM_flag_present and implicit_const take no room."""
LEBS = (0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23)
BLOCKS = {0x0A: 1, 0x03: 2, 0x04: 4}
STRING_SECTIONS = {0x0E: ".debug_str", 0x1F: ".debug_line_str"}
"""DW_FORM_strp and line_strp."""
SIBLING, NAME, LOW_PC, HIGH_PC, PRODUCER, RANGES = 0x01, 0x03, 0x11, 0x12, 0x25, 0x55
NAME_ELSEWHERE = (0x31, 0x47)
"""DW_AT_abstract_origin and DW_AT_specification: the entry that has the name."""
MAX_HOPS = 3


class Malformed(Exception):
    """Bytes that are no entry, or one in a form that is not known here."""


class Shape(NamedTuple):
    """An abbreviation: what entries of one code look like.

    ``attributes`` are (name, form), ``constants`` those they all share.
    """

    tag: int
    has_children: bool
    attributes: tuple[tuple[int, int], ...]
    constants: dict[int, int]


class Stride(NamedTuple):
    """How an entry is passed over unread."""

    size: int | None
    """Bytes of all values; None where they differ from entry to entry."""
    sibling: int | None
    """Where among them the reference to the next sibling stands; None where that is not fixed."""
    has_code: bool
    code: tuple[int, int, int] | None
    """Where the address of its code stands, and the length of that with its own size; None where
    they are not fixed, or there is code in several pieces, or none.
    """

    def misses(self, data: bytes | mmap.mmap, at: int, address: int) -> bool:
        """Whether an entry whose values are at that offset has no code at the address, as far as
        its own attributes say (no list of ranges is read for it).
        """
        if self.code is None:
            return not self.has_code
        low_at, high_at, size = self.code
        low = int.from_bytes(data[at + low_at : at + low_at + 8], "little")
        length = int.from_bytes(data[at + high_at : at + high_at + size], "little")
        return not low <= address < low + length


class DebugEntry(NamedTuple):
    """One debugging information entry.

    ``attributes`` has the form and the offset in the file of each value.
    """

    unit: int
    shape: Shape
    attributes: dict[int, tuple[int, int]]
    end: int
    """Where its children or its next sibling start."""


class Shapes:
    """A unit's abbreviations by code, read as far as the last one that was asked for.

    A unit has hundreds; of most units only the first is needed, that of the unit's own entry.
    """

    def __init__(self, shapes: Iterator[tuple[int, Shape]]) -> None:
        self._following = shapes
        self.known: dict[int, Shape] = {}
        """Those that were read so far."""
        self.strides: dict[int, Stride] = {}

    def find(self, code: int) -> Shape | None:
        """The abbreviation of that code, if there is one."""
        known = self.known
        if code not in known:
            for found, shape in self._following:
                known[found] = shape
                if found == code:
                    break
        return known.get(code)

    def __getitem__(self, code: int) -> Shape:
        """The same; raises Malformed where there is none."""
        found = self.find(code)
        if found is None:
            raise Malformed
        return found

    def stride(self, code: int) -> Stride:
        """How entries of that code are passed over."""
        if code not in self.strides:
            self.strides[code] = _stride(self[code].attributes)
        return self.strides[code]


class Dwarf:
    """The debug information of one file."""

    def __init__(self, file: ElfFile) -> None:
        self.file = file
        self.data = file.data
        self._info = file.names.get(".debug_info")
        self._shapes: dict[int, Shapes] = {}

    @property
    def is_there(self) -> bool:
        """Whether the file has any."""
        return self._info is not None

    # --- units ----------------------------------------------------------------------------------

    def unit_at(self, address: int) -> tuple[int, int] | None:
        """(start, end) in the file of the unit that has the code at that address (in the file's own
        terms).
        """
        index = bisect.bisect_right(self._ranges, (address, 1 << 64, 0)) - 1
        if self._info is None or index < 0 or address >= self._ranges[index][1]:
            return None
        start = self._info.start + self._ranges[index][2]
        (length,) = struct.unpack_from("<I", self.data, start)
        return start, min(start + 4 + length, self._info.end)

    @functools.cached_property
    def _ranges(self) -> list[tuple[int, int, int]]:
        """(start, end, offset of the unit) of all code, from ``.debug_aranges``."""
        section = self.file.names.get(".debug_aranges")
        found = []
        at, end = (section.start, section.end) if section else (0, 0)
        while at + 16 < end:
            length, _, unit, _, _ = struct.unpack_from("<IHIBB", self.data, at)
            pairs = self.data[at + 16 : at + 4 + length]
            found += [
                (start, start + size, unit)
                for start, size in struct.iter_unpack("<QQ", pairs[: len(pairs) & ~15])
                if size
            ]
            at += 4 + length
        return sorted(found)

    @functools.cached_property
    def _units(self) -> list[int]:
        """Where each unit starts."""
        found = []
        if self._info is not None:
            at = self._info.start
            while at + 12 < self._info.end:
                found.append(at)
                (length,) = struct.unpack_from("<I", self.data, at)
                at += 4 + length
        return found

    def top(self, unit: int) -> DebugEntry:
        """The unit's own entry."""
        found = self.entry(unit + (12 if self.version(unit) >= 5 else 11), unit)
        if found is None:
            raise Malformed
        return found

    def version(self, unit: int) -> int:
        """The DWARF version that a unit is written in."""
        return int.from_bytes(self.data[unit + 4 : unit + 6], "little")

    # --- entries --------------------------------------------------------------------------------

    def entry(self, at: int, unit: int) -> DebugEntry | None:
        """The entry at that offset of the file; None for the mark that ends a list of siblings."""
        code, at = leb(self.data, at)
        if code == 0:
            return None
        return self._entry(unit, self.shapes(unit)[code], at)

    def _entry(self, unit: int, shape: Shape, at: int) -> DebugEntry:
        attributes = {}
        for attribute, form in shape.attributes:
            attributes[attribute] = form, at
            at = self.skip(form, at)
        return DebugEntry(unit, shape, attributes, at)

    def children(self, parent: DebugEntry) -> Iterator[DebugEntry]:
        """The entries directly below."""
        at = parent.end
        while parent.shape.has_children and (child := self.entry(at, parent.unit)) is not None:
            yield child
            at = self._after(child)

    def tagged(
        self, parent: DebugEntry, tags: Collection[int], address: int
    ) -> Iterator[DebugEntry]:
        """The entries directly below that have one of the tags; the others are passed over unread,
        and so are those whose own attributes say that their code is not at the address.

        A unit has thousands of entries, and ten that matter.
        """
        data, unit, at = self.data, parent.unit, parent.end
        shapes = self.shapes(unit)
        known, strides = shapes.known, shapes.strides
        while parent.shape.has_children:
            code, after = data[at], at + 1
            if code >= 0x80:
                code, after = leb(data, at)
            if code == 0:
                return
            shape = known[code] if code in known else shapes[code]
            stride = strides[code] if code in strides else shapes.stride(code)
            if shape.tag in tags and not stride.misses(data, after, address):
                entry = self._entry(unit, shape, after)
                yield entry
                at = self._after(entry)
                continue
            if stride.sibling is not None:
                place = after + stride.sibling
                following = unit + int.from_bytes(data[place : place + 4], "little")
                if following <= at:
                    raise Malformed
                at = following
            elif shape.has_children:
                at = self._after(self._entry(unit, shape, after))
            elif stride.size is not None:
                at = after + stride.size
            else:
                at = after
                for _, form in shape.attributes:
                    at = self.skip(form, at)

    def _after(self, entry: DebugEntry) -> int:
        """Where an entry's next sibling is."""
        if SIBLING in entry.attributes:
            following = self.reference(entry, SIBLING)
            if following < entry.end:
                raise Malformed
            return following
        if not entry.shape.has_children:
            return entry.end
        at = entry.end
        while (child := self.entry(at, entry.unit)) is not None:
            at = self._after(child)
        return at + 1

    def shapes(self, unit: int) -> Shapes:
        """The unit's abbreviations by code."""
        (offset,) = struct.unpack_from(
            "<I", self.data, unit + (8 if self.version(unit) >= 5 else 6)
        )
        if offset not in self._shapes:
            self._shapes[offset] = Shapes(
                self._read_shapes(self.file.names[".debug_abbrev"].start + offset)
            )
        return self._shapes[offset]

    def _read_shapes(self, at: int) -> Iterator[tuple[int, Shape]]:
        data = self.data
        while True:
            code, at = leb(data, at)
            if code == 0:
                return
            tag, at = leb(data, at)
            has_children = data[at] == 1
            at += 1
            attributes = []
            constants = {}
            while True:
                # Nearly all are numbers of one byte, and there are thousands.
                attribute, form = data[at], data[at + 1]
                at += 2
                if attribute >= 0x80 or form >= 0x80:
                    attribute, at = leb(data, at - 2)
                    form, at = leb(data, at)
                if form == IMPLICIT_CONST:
                    constants[attribute], at = signed_leb(data, at)
                if not attribute:
                    break
                attributes.append((attribute, form))
            yield code, Shape(tag, has_children, tuple(attributes), constants)

    # --- values ---------------------------------------------------------------------------------

    def skip(self, form: int, at: int) -> int:
        """The offset behind a value of that form."""
        if form in FIXED:
            return at + FIXED[form]
        if form in NOTHING:
            return at
        if form in LEBS:
            return leb(self.data, at)[1]
        if form == STRING:
            return self.data.find(b"\0", at) + 1
        if form in (EXPRLOC, BLOCK):
            length, at = leb(self.data, at)
            return at + length
        if form in BLOCKS:
            return at + BLOCKS[form] + int.from_bytes(self.data[at : at + BLOCKS[form]], "little")
        raise Malformed

    def number(self, entry: DebugEntry, attribute: int) -> int:
        """An address, constant or offset."""
        form, at = entry.attributes[attribute]
        if form == IMPLICIT_CONST:
            return entry.shape.constants[attribute]
        if form == SDATA:
            return signed_leb(self.data, at)[0]
        if form in LEBS:
            return leb(self.data, at)[0]
        return int.from_bytes(self.data[at : at + FIXED.get(form, 0)], "little")

    def expression(self, entry: DebugEntry, attribute: int) -> bytes:
        """The bytes of a DWARF expression."""
        form, at = entry.attributes[attribute]
        end = self.skip(form, at)
        start = leb(self.data, at)[1] if form in (EXPRLOC, BLOCK) else at + BLOCKS.get(form, 0)
        return bytes(self.data[start:end])

    def reference(self, entry: DebugEntry, attribute: int) -> int:
        """The offset in the file of another entry."""
        form, _ = entry.attributes[attribute]
        if form == REF4:
            return entry.unit + self.number(entry, attribute)
        if form == REF_ADDR and self._info is not None:
            return self._info.start + self.number(entry, attribute)
        raise Malformed

    def text(self, entry: DebugEntry, attribute: int) -> str | None:
        """A string; a name also where another entry has it."""
        for _ in range(MAX_HOPS):
            if attribute in entry.attributes:
                form, at = entry.attributes[attribute]
                if form == STRING:
                    return self.file.text(at)
                section = (
                    self.file.names.get(STRING_SECTIONS[form]) if form in STRING_SECTIONS else None
                )
                return (
                    self.file.text(section.start + self.number(entry, attribute))
                    if section
                    else None
                )
            elsewhere = next((a for a in NAME_ELSEWHERE if a in entry.attributes), None)
            found = self.referred(entry, elsewhere) if elsewhere else None
            if found is None:
                break
            entry = found
        return None

    def referred(self, entry: DebugEntry, attribute: int) -> DebugEntry | None:
        """The entry that an attribute refers to."""
        at = self.reference(entry, attribute)
        return self.entry(at, self._units[bisect.bisect_right(self._units, at) - 1])


def _stride(attributes: Sequence[tuple[int, int]]) -> Stride:
    size: int | None = 0
    places = {}
    for attribute, form in attributes:
        width = 0 if form in NOTHING else FIXED.get(form)
        if size is not None and width:
            places[attribute, form] = size, width
        size = None if size is None or width is None else size + width
    sibling, _ = places.get((SIBLING, REF4), (None, 0))
    low = places.get((LOW_PC, ADDRESS))
    high = next((places[HIGH_PC, form] for form in LENGTHS if (HIGH_PC, form) in places), None)
    has_code = any(attribute in (LOW_PC, RANGES) for attribute, _ in attributes)
    return Stride(size, sibling, has_code, (low[0], *high) if low and high else None)


def leb(data: object, at: int) -> tuple[int, int]:
    """(value, offset behind it) of an unsigned LEB128 number in bytes or a mapped file."""
    value = shift = 0
    while True:
        byte = data[at]  # type: ignore[index]  # both give an int
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise Malformed


def signed_leb(data: object, at: int) -> tuple[int, int]:
    """(value, offset behind it) of a signed LEB128 number."""
    value, after = leb(data, at)
    sign = 1 << (7 * (after - at) - 1)
    return (value & (sign - 1)) - (value & sign), after
