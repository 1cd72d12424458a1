"""Text and bytes from memory."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import FakeMemory
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.strings import read_bytes, read_cstring, read_str
from gdbext.target.protocol import Field, Struct
from unit.objects.object_world import VERSIONS, World

TEXTS = ["", "x", "ascii", "caf\xe9", "\xff" * 3, "日本", "\ud800 alone", "😀", "a\0b", "y" * 300]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("compact", [True, False])
def test_str(version: str, text: str, compact: bool) -> None:
    world = World(version)
    address = world._str(text, compact=compact)
    assert read_str(world.memory, world.layout, address) == text


def _bare(version: str) -> Layout:
    """What ``_Py_DebugOffsets`` alone tells."""
    full = World(version).layout
    offsets = {
        f"PyUnicodeObject.{name}": full.offset("PyASCIIObject", name)
        for name in ("state", "length")
    }
    minor = int(version.split(".")[1])
    return Layout(
        lambda name: None,
        DebugOffsets(0, 3 << 24 | minor << 16, True, offsets, {"PyUnicodeObject": 80}),
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("compact", [True, False])
def test_str_by_debug_offsets(version: str, text: str, compact: bool) -> None:
    world = World(version)
    address = world._str(text, compact=compact)
    assert read_str(world.memory, _bare(version), address) == text


def test_limit() -> None:
    world = World()
    address = world.put("abcdef")
    assert read_str(world.memory, world.layout, address, 3) == "abc…"
    assert read_str(world.memory, world.layout, address, 6) == "abcdef"
    assert world.objects.text(address, 3) == "abc…"


@pytest.mark.parametrize(
    "damage",
    [
        {"state__kind": 3},
        {"state__kind": 0},
        {"length": 1 << 50},
        {"length": -1},
        {"length": 1 << 30},
        {"state__ascii": 0, "state__kind": 4},
    ],
)
def test_damaged(damage: dict[str, int]) -> None:
    world = World()
    address = world.put("abcd" * 10)
    world.set("PyASCIIObject", address, **damage)
    assert read_str(world.memory, world.layout, address) is None


def test_ascii_with_other_bytes() -> None:
    world = World()
    address = world.put("abcd")
    world.memory.write(address + world.layout.size("PyASCIIObject"), b"\xdd")
    assert read_str(world.memory, world.layout, address) is None


@pytest.mark.parametrize("word", [0x110000, 0xDDDDDDDD])
def test_no_code_point(word: int) -> None:
    world = World()
    address = world.put("😀😀")
    world.memory.write(
        address + world.layout.size("PyCompactUnicodeObject"), struct.pack("<I", word)
    )
    assert read_str(world.memory, world.layout, address) is None
    assert [v.slot for v in world.objects.invariants(address)] == ["data"]


def test_only_a_str_object_has_text() -> None:
    world = World()
    assert world.objects.text(world.put(b"bytes")) is None
    assert world.objects.text(0) is None
    assert read_str(world.memory, world.layout, 0x10) is None


def test_cstring() -> None:
    memory = FakeMemory(
        {
            0x1000: b"name\0rest".ljust(64),
            0x2000: b"x" * 500,
            0x3000: b"\xff\0".ljust(64),
            0x4000: b"no end",
        }
    )
    assert read_cstring(memory, 0x1000) == "name"
    assert read_cstring(memory, 0x1004) == ""
    assert read_cstring(memory, 0x2000, 10) == "x" * 10 + "…"
    assert read_cstring(memory, 0x3000) is None
    assert read_cstring(memory, 0x4000) is None
    assert read_cstring(memory, 0) is None


def test_cstring_at_the_end_of_memory() -> None:
    """The last bytes before an unmapped page are enough."""
    memory = FakeMemory({0x1000: bytes(0xFF0) + b"short\0".rjust(16)})
    assert read_cstring(memory, 0x1FF0 + 10) == "short"


def test_bytes() -> None:
    world = World()
    address = world.put(b"\0\xff abc")
    assert read_bytes(world.memory, world.layout, address) == b"\0\xff abc"
    assert read_bytes(world.memory, world.layout, address, 2) == b"\0\xff"
    world.set("PyBytesObject", address, ob_size=-5)
    assert read_bytes(world.memory, world.layout, address) is None
    assert read_bytes(world.memory, world.layout, 0) is None


def test_unknown_layout_is_no_text() -> None:
    bare = Layout({"PyObject": Struct("PyObject", 32, {"ob_type": Field(24, 8)})}.get)
    assert read_str(FakeMemory({0: bytes(200)}), bare, 0) is None
    assert read_bytes(FakeMemory({0: bytes(200)}), bare, 0) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=120, max_size=120))
def test_any_bytes(data: bytes) -> None:
    memory = FakeMemory({0x1000: data})
    found = read_str(memory, _LAYOUT, 0x1000, 50)
    assert found is None or len(found) <= 51
    found_bytes = read_bytes(memory, _LAYOUT, 0x1000, 50)
    assert found_bytes is None or len(found_bytes) <= 50
    name = read_cstring(memory, 0x1000, 50)
    assert name is None or len(name) <= 51


_LAYOUT = World().layout
