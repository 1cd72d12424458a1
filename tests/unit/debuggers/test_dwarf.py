"""A compile unit made by hand: ``outer`` calls ``callee``, and has ``leaf`` inlined in it by way of
``middle``.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from fakes import FakeMemory
from gdbext.binfmt import sections
from gdbext.binfmt.dwarf import callsites, inlines, locations
from gdbext.binfmt.dwarf.entries import Dwarf, leb, signed_leb
from unit.binfmt.elf_sections import elf

ADDR, DATA1, DATA4, STRING, REF4, SEC_OFFSET, EXPRLOC = 0x01, 0x0B, 0x06, 0x08, 0x13, 0x17, 0x18
ABBREVIATIONS = (
    # code, tag, children, attributes
    (
        1,
        0x11,
        1,
        [(0x25, STRING), (0x11, ADDR), (0x12, DATA4)],
    ),  # compile unit: producer, low_pc, high_pc
    (2, 0x2E, 0, [(0x03, STRING)]),  # subprogram: name
    (
        3,
        0x2E,
        1,
        [(0x03, STRING), (0x11, ADDR), (0x12, DATA4), (0x01, REF4)],
    ),  # … low_pc, high_pc, sibling
    (
        4,
        0x1D,
        1,
        [(0x31, REF4), (0x11, ADDR), (0x12, DATA4), (0x59, DATA1)],
    ),  # inlined: origin, low_pc, high_pc, call_line
    (
        5,
        0x1D,
        1,
        [(0x31, REF4), (0x55, SEC_OFFSET), (0x59, DATA1)],
    ),  # inlined: origin, ranges, call_line
    (6, 0x48, 1, [(0x7D, ADDR), (0x7F, REF4)]),  # call site: return_pc, origin
    (7, 0x49, 0, [(0x02, EXPRLOC), (0x7E, EXPRLOC)]),  # call site parameter: location, value
    (8, 0x2E, 0, [(0x03, STRING), (0x11, ADDR), (0x12, DATA4)]),
    (9, 0x13, 0, [(0x03, STRING), (0x0B, DATA1)]),  # struct: name, size
    (10, 0x16, 0, [(0x03, STRING), (0x49, REF4)]),  # typedef: name, type
    (11, 0x0F, 0, [(0x0B, 0x21, 8), (0x49, REF4)]),  # pointer: size (the same for all), type
    (12, 0x26, 0, [(0x49, REF4)]),  # const: type
    (
        13,
        0x05,
        0,
        [(0x03, STRING), (0x49, REF4), (0x02, EXPRLOC)],
    ),  # parameter: name, type, location
    (14, 0x05, 0, [(0x03, STRING), (0x49, REF4), (0x02, SEC_OFFSET)]),
    (15, 0x05, 0, [(0x03, STRING), (0x49, REF4), (0x1C, 0x0D)]),  # … const_value
    (16, 0x24, 0, [(0x03, STRING), (0x0B, DATA1)]),  # base type: name, size
    (17, 0x48, 1, [(0x7D, ADDR), (0x83, 0x01, EXPRLOC)]),  # call site: return_pc, target
    (18, 0x34, 0, [(0x03, STRING), (0x49, REF4), (0x02, EXPRLOC)]),  # variable
)


def block(data: bytes) -> bytes:
    return bytes([len(data)]) + data


class Unit:
    """Entries one after the other; ``places`` remembers where each named one starts."""

    def __init__(self) -> None:
        self.body = b""
        self.places: dict[str, int] = {}

    def add(self, code: int, *values: bytes, label: str = "") -> None:
        self.places[label] = 12 + len(self.body)
        self.body += bytes([code]) + b"".join(values)

    def end(self) -> None:
        self.body += b"\0"

    def reference(self, label: str) -> bytes:
        return struct.pack("<I", self.places[label])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    unit = Unit()
    unit.add(1, b"GNU C11 12.2.0\0", struct.pack("<QI", 0x1000, 0x1000))
    unit.add(9, b"_object\0", bytes([32]), label="struct")
    unit.add(10, b"PyObject\0", unit.reference("struct"), label="typedef")
    unit.add(11, unit.reference("typedef"), label="pointer")
    unit.add(12, unit.reference("pointer"), label="const")
    unit.add(11, unit.reference("const"), label="pointers")
    unit.add(16, b"int\0", bytes([4]), label="int")
    unit.add(16, b"double\0", bytes([8]), label="double")
    unit.add(2, b"leaf\0", label="leaf")
    unit.add(2, b"middle\0", label="middle")
    unit.add(8, b"callee\0", struct.pack("<QI", 0x1800, 0x10), label="callee")
    unit.add(3, b"outer\0", struct.pack("<QI", 0x1100, 0x100), bytes(4), label="outer")
    sibling = len(unit.body) - 4
    unit.add(4, unit.reference("middle"), struct.pack("<QI", 0x1120, 0x40), bytes([21]))
    unit.add(5, unit.reference("leaf"), struct.pack("<I", 0), bytes([33]))
    unit.add(13, b"ob\0", unit.reference("pointer"), block(bytes([0x55])))  # in rdi
    unit.add(
        13, b"items\0", unit.reference("pointers"), block(bytes([0x73, 0x10]))
    )  # in memory at rbx+16
    unit.add(14, b"moving\0", unit.reference("int"), struct.pack("<I", 0))
    unit.add(15, b"constant\0", unit.reference("int"), b"\x7f")  # -1
    unit.add(13, b"number\0", unit.reference("double"), block(bytes([0x61])))  # in xmm0
    unit.end()
    unit.end()
    unit.add(6, struct.pack("<Q", 0x1180), unit.reference("callee"))
    unit.add(7, block(bytes([0x55])), block(bytes([0x73, 8])))  # rdi is rbx+8
    unit.add(7, block(bytes([0x54])), block(bytes([0xA3, 1, 0x54])))  # rsi is what it was on entry
    unit.end()
    unit.add(17, struct.pack("<Q", 0x1190), block(bytes([0x73, 0])))  # what rbx points to
    unit.add(7, block(bytes([0x54])), block(bytes([0x7D, 0])))  # rsi is r13
    unit.end()
    unit.add(13, b"self\0", unit.reference("pointer"), block(bytes([0x55])))
    unit.add(
        18, b"kept\0", unit.reference("pointer"), block(bytes([0xA3, 1, 0x54, 0x9F]))
    )  # rsi on entry
    unit.end()
    after = 12 + len(unit.body)
    unit.body = unit.body[:sibling] + struct.pack("<I", after) + unit.body[sibling + 4 :]
    unit.add(8, b"last\0", struct.pack("<QI", 0x1900, 0x10))
    unit.end()
    info = struct.pack("<IHBBI", 8 + len(unit.body), 5, 1, 8, 0) + unit.body
    abbreviations = b""
    for code, tag, children, attributes in ABBREVIATIONS:
        abbreviations += (
            bytes([code, tag, children]) + b"".join(bytes(words) for words in attributes) + b"\0\0"
        )
    ranges = struct.pack("<IHIBBI", 44, 2, 0, 8, 0, 0) + struct.pack("<QQQQ", 0x1000, 0x1000, 0, 0)
    # Two pieces counted from the unit's start, one of them empty.
    lists = bytes([4]) + b"\xa0\x02\xa0\x02" + bytes([4]) + b"\xb0\x02\xb4\x02" + b"\0"
    # In rsi first, then 7.
    places = b"\4\xb0\x02\xb2\x02\1\x54" + b"\4\xb2\x02\xb4\x02\2\x37\x9f" + b"\0"
    return elf(
        tmp_path / "program",
        {
            ".debug_info": (1, info, 0),
            ".debug_abbrev": (1, abbreviations + b"\0", 0),
            ".debug_aranges": (1, ranges, 0),
            ".debug_rnglists": (1, lists, 0),
            ".debug_loclists": (1, places, 0),
        },
    )


@pytest.fixture
def dwarf(path: Path) -> Dwarf:
    return Dwarf(sections.read(str(path)))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (0x1100, []),
        (0x111F, []),
        (0x1120, [("middle", 21)]),
        (0x1130, [("leaf", 33), ("middle", 21)]),
        (0x1133, [("leaf", 33), ("middle", 21)]),
        (0x1134, [("middle", 21)]),
        (0x1160, []),
        (0x1905, []),
        (0x1A00, None),
        (0x3000, None),
    ],
)
def test_inlined_functions_are_found_by_address(
    dwarf: Dwarf, address: int, expected: list[tuple[str, int]] | None
) -> None:
    found = inlines.at(dwarf, address)
    assert (None if found is None else [(each.name, each.call_line) for each in found]) == expected


@pytest.mark.parametrize(("address", "moving"), [(0x1130, 0x2222), (0x1132, 7)])
def test_an_inlined_functions_arguments_are_read(dwarf: Dwarf, address: int, moving: int) -> None:
    leaf = (inlines.at(dwarf, address) or [])[0]
    registers = {"rdi": 0xDDDD, "rsi": 0x111100002222, "rbx": 0x5000}
    memory = FakeMemory({0x5010: struct.pack("<Q", 0x1234)})
    found = locations.arguments(dwarf, leaf.entry, address, registers, memory)
    assert [(v.name, v.type, v.value, v.missing) for v in found] == [
        ("ob", "PyObject *", 0xDDDD, None),
        ("items", "PyObject *const *", 0x1234, None),
        ("moving", "int", moving, None),
        ("constant", "int", 0xFFFFFFFF, None),
        ("number", "double", None, "not an integer"),
    ]
    assert all(v.is_argument for v in found)
    assert [v.value for v in locations.arguments(dwarf, leaf.entry, address, {}, memory)][:2] == [
        None,
        None,
    ]


def test_a_call_site_tells_what_its_callee_was_given(dwarf: Dwarf) -> None:
    site = callsites.find(dwarf, 0x1180)
    assert site == callsites.CallSite("callee", None, {5: b"\x73\x08", 4: b"\xa3\x01\x54"}, True)
    assert callsites.find(dwarf, 0x1181) is None
    assert callsites.find(dwarf, 0x9000) is None


def test_a_call_through_a_pointer_tells_where_it_went(dwarf: Dwarf) -> None:
    assert callsites.find(dwarf, 0x1190) == callsites.CallSite(
        None, b"\x73\x00", {4: b"\x7d\x00"}, True
    )


def test_variables_are_found_in_their_functions_scope(dwarf: Dwarf) -> None:
    leaf, middle, outer = inlines.scopes(dwarf, 0x1130)
    assert locations.place(dwarf, leaf, "ob", 0x1130) == b"\x55"
    assert locations.place(dwarf, leaf, "moving", 0x1132) == b"\x37\x9f"
    assert locations.place(dwarf, outer, "self", 0x1130) == b"\x55"
    assert locations.register(locations.place(dwarf, outer, "self", 0x1130)) == 5
    kept = locations.place(dwarf, outer, "kept", 0x1130)
    assert locations.is_value(kept)
    assert locations.register(kept) is None
    assert not locations.is_value(b"\x55")
    assert locations.place(dwarf, middle, "ob", 0x1130) is None
    assert inlines.scopes(dwarf, 0x3000) == []


def test_damaged_debug_information_raises_nothing(path: Path) -> None:
    file = sections.ElfFile(str(path))
    whole = bytes(file.data)
    sound = callsites.find(Dwarf(file), 0x1180)
    answers = []
    for section in file.sections[1:6]:
        for place in range(section.start, section.end):
            for value in (0x00, 0x7F, 0xFF):
                file.data = whole[:place] + bytes([value]) + whole[place + 1 :]
                for function in inlines.at(Dwarf(file), 0x1130) or []:
                    locations.arguments(
                        Dwarf(file), function.entry, 0x1130, REGISTERS, FakeMemory()
                    )
                answers.append(callsites.find(Dwarf(file), 0x1180))
    assert sound in answers
    assert any(answer != sound for answer in answers), "no damage was seen"


REGISTERS = {"rbx": 0x5000, "rsp": 0x7000}
EXPRESSIONS = [
    (b"\x73\x08", 0x5008),  # breg3 (rbx) + 8
    (b"\x73\x78", 0x4FF8),  # breg3 - 8
    (b"\x70\x00", None),  # breg0: rax is not known
    (b"\x53", 0x5000),  # reg3
    (b"\x30", 0),  # lit0
    (b"\x4f", 31),  # lit31
    (b"\x08\xff", 0xFF),  # const1u
    (b"\x09\xff", (1 << 64) - 1),  # const1s
    (b"\x0a\x34\x12", 0x1234),  # const2u
    (b"\x03" + struct.pack("<Q", 0x55AA), 0x55AA),  # addr
    (b"\x11\x7f", (1 << 64) - 1),  # consts -1
    (b"\x73\x00\x23\x10", 0x5010),  # rbx, plus_uconst 16
    (b"\x73\x00\x08\x05\x22", 0x5005),  # rbx + 5
    (b"\x73\x00\x08\x05\x1c", 0x4FFB),  # rbx - 5
    (b"\x91\x70", 0x7FF0),  # fbreg -16
    (b"\x73\x00\x06", 0x1122334455667788),  # deref
    (b"\x73\x00\x94\x02", 0x7788),  # deref_size 2
    (b"\xa3\x01\x54", 0x4444),  # entry_value(rsi)
    (b"\xf3\x01\x55\x9f", None),  # GNU_entry_value(rdi), not known
    (b"\x30\x9f", 0),  # stack_value
    (b"", None),
    (b"\x22", None),  # an operation without operands
    (b"\x96", None),  # nop, which no call site has
    (b"\x08", None),  # cut short
    (b"\x30\x06", None),  # dereference of NULL
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_expressions_are_computed(expression: bytes, expected: int | None) -> None:
    memory = FakeMemory({0x5000: bytes.fromhex("8877665544332211")})
    entry = {4: 0x4444}
    assert callsites.compute(expression, REGISTERS.get, 0x8000, entry.get, memory) == expected


def test_an_address_in_an_expression_is_where_the_file_was_loaded() -> None:
    expression = b"\x03" + struct.pack("<Q", 0x1000) + b"\x9f"
    found = callsites.compute(
        expression, REGISTERS.get, None, lambda _: None, FakeMemory({}), 0x7F0000000000
    )
    assert found == 0x7F0000001000


def test_leb128() -> None:
    assert leb(b"\xe5\x8e\x26", 0) == (624485, 3)
    assert signed_leb(b"\xc0\xbb\x78", 0) == (-123456, 3)
    assert signed_leb(b"\x3f", 0) == (63, 1)
    assert signed_leb(b"\x40", 0) == (-64, 1)
