"""The debug hooks around blocks, decoded."""

from __future__ import annotations

import struct

import pytest

from gdbext.cpython.allocator.debug_hooks import read_hooks
from gdbext.cpython.fills import fill_of

GUARD = b"\xfd"


def block(size: int, api: bytes = b"o", data: bytes | None = None, spare: int = 0) -> bytearray:
    return bytearray(
        struct.pack(">Q", size) + api + GUARD * 7 + (data or bytes(size)) + GUARD * 8 + bytes(spare)
    )


@pytest.mark.parametrize(
    ("api", "name"), [(b"o", "object"), (b"m", "mem"), (b"r", "raw"), (b"x", None)]
)
def test_a_sound_block(api: bytes, name: str | None) -> None:
    hooks = read_hooks(bytes(block(40, api, spare=16)))
    assert (hooks.size, hooks.api, hooks.overrun, hooks.underrun, hooks.freed) == (
        40,
        name,
        0,
        0,
        False,
    )
    assert hooks.is_intact is (name is not None)


@pytest.mark.parametrize("length", [1, 5, 8])
def test_an_overrun_has_a_length(length: int) -> None:
    data = block(40)
    data[16 + 40 : 16 + 40 + length] = b"A" * length
    hooks = read_hooks(bytes(data))
    assert hooks.overrun == length
    assert not hooks.is_intact


def test_an_overrun_may_leave_guard_bytes_between() -> None:
    data = block(40)
    data[16 + 43] = 0
    assert read_hooks(bytes(data)).overrun == 4


def test_an_underrun() -> None:
    data = block(40)
    data[13:16] = b"ABC"
    assert read_hooks(bytes(data)).underrun == 3


def test_a_size_that_does_not_fit() -> None:
    data = block(40)
    data[:8] = struct.pack(">Q", 4000)
    assert read_hooks(bytes(data)).size is None


def test_a_freed_block_has_the_link_in_place_of_its_size() -> None:
    data = bytearray(b"\xdd" * 64)
    data[:8] = struct.pack("<Q", 0x2_0000_0090_040)
    hooks = read_hooks(bytes(data))
    assert hooks.freed
    assert (hooks.api, hooks.underrun) == (None, 0)


def test_fills() -> None:
    assert fill_of(0xDDDD_DDDD_DDDD_DDDD) == 0xDD
    assert fill_of(0xCDCD_CDCD_CDCD_CDCD) == 0xCD
    assert fill_of(0xDDDD_DDDD_DDDD_DD00) is None
    assert fill_of(0x4141_4141_4141_4141) is None
