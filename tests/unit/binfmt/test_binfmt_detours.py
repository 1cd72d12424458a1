"""The code that notes calls, run for what it is: in this process."""

from __future__ import annotations

import ctypes
import mmap
import struct
import threading

import pytest

from gdbext.binfmt.x86 import detours
from gdbext.binfmt.x86.detours import FIRST, IN_ARRAY, SECOND, Offsets, Ring

NEXT = bytes.fromhex("488d4701 488d4001 c3")
"""A function that returns its argument and 2: lea 1(%rdi),%rax; lea 1(%rax),%rax; ret."""
COUNT = 8
TYPE, OTHER = 0x1111_2222_3333, 0x4444_5555_6666
OFFSETS = Offsets(
    # The word at the thread pointer is the thread pointer: a chain of frames that ends nowhere.
    thread_state=0,
    lwp=720,
    ob_type=24,
    current_frame=0,
    executable=16,
    instruction=0,
    previous=16,
)


class Place:
    """A function in memory that may run, its detour, and objects for its calls."""

    def __init__(self, code: bytes = NEXT) -> None:
        self.memory = mmap.mmap(-1, 1 << 16, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.ring = Ring(counter=self.start + 0x2000, start=self.start + 0x3000, count=COUNT)
        self.memory[: len(code)] = code
        self.code = code
        self.call = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)(self.start)

    def watch(self, passes: int, *types: int) -> None:
        count = detours.movable(self.code, len(self.code))
        assert count is not None
        place = self.start + 0x1000
        made = detours.detour(
            self.start, self.code[:count], place, passes, types, self.ring, OFFSETS
        )
        there = detours.jump(self.start, place)
        assert made is not None
        assert there is not None
        self.memory[0x1000 : 0x1000 + len(made)] = made
        self.memory[:count] = there.ljust(count, b"\x90")

    def object(self, kind: int, at: int = 0x8000) -> int:
        self.memory[at + 24 : at + 32] = struct.pack("<Q", kind)
        return self.start + at

    @property
    def counted(self) -> int:
        return int.from_bytes(self.memory[0x2000:0x2008], "little")

    def noted(self) -> list[detours.NotedCall]:
        ring = self.memory[0x3000 : 0x3000 + COUNT * detours.ENTRY]
        return detours.noted_calls(ring, self.counted)


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_call_is_noted_and_does_what_it_did(place: Place) -> None:
    address = place.object(TYPE)
    place.watch(FIRST, OTHER, TYPE)
    assert place.call(address, 7) == address + 2
    [noted] = place.noted()
    assert (noted.function, noted.address, noted.type) == (place.start, address, TYPE)
    assert noted.lwp == threading.get_native_id()
    assert len(noted.frames) == detours.FRAMES
    assert len({code for code, _ in noted.frames}) == 1


def test_a_call_for_another_type_or_for_null_is_not_noted(place: Place) -> None:
    place.watch(FIRST, TYPE)
    other = place.object(OTHER)
    assert (place.call(other, 0), place.call(0, 0)) == (other + 2, 2)
    assert (place.noted(), place.counted) == ([], 0)


def test_the_object_may_be_another_argument() -> None:
    for passes in (SECOND, IN_ARRAY):
        place = Place()
        address = place.object(TYPE)
        place.memory[0x9000:0x9008] = struct.pack("<Q", address)
        place.watch(passes, TYPE)
        place.call(5, address if passes == SECOND else place.start + 0x9000)
        assert [noted.address for noted in place.noted()] == [address]


def test_the_ring_has_the_last_calls_in_their_order(place: Place) -> None:
    place.watch(FIRST, TYPE)
    made = [place.object(TYPE, 0x8000 + 64 * index) for index in range(COUNT + 3)]
    for address in made:
        place.call(address, 0)
    assert [noted.address for noted in place.noted()] == made[3:]
    assert place.counted == COUNT + 3


def test_calls_of_several_threads_are_all_noted(place: Place) -> None:
    place.watch(FIRST, TYPE)
    address = place.object(TYPE)
    threads = [
        threading.Thread(target=lambda: [place.call(address, 0) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place.counted == 800
    assert len(place.noted()) == COUNT


def test_what_is_not_written_to_the_end_or_was_written_too_late_is_left_out() -> None:
    entry = struct.pack("<16Q", 5, 0x10, 0x20, 0x30, 7, 0, *[0] * 10)
    assert [each.lwp for each in detours.noted_calls(entry * 2, 6)] == [7, 7]
    assert detours.noted_calls(struct.pack("<16Q", 0, *[1] * 15) * 2, 6) == []
    # The ring has gone round since the fifth call.
    assert detours.noted_calls(entry * 2, 7) == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("55 4889e5 4883ec10 c3", 8),
        ("488d1510000000 c3", 7),  # lea 0x10(%rip),%rdx
        ("7403 90 90 90 90 c3", None),  # je among the first bytes
        ("e800000000 c3", 5),  # call
        ("90 90 e800000000 c3", 7),
        ("eb0390909090 c3", None),  # jmp
        ("ffd0 90 90 90 90", None),  # call *%rax
        ("c3 90 90 90 90 90", None),  # ret
        ("ff2500000000", None),  # jmp through a word
        ("c7051000000001000000 c3", None),  # movl $1,0x10(%rip): the distance is not last
        ("90 90 90 90 90 90 ebf9", None),  # jmp back among them
        ("90 90 90 90 90 90 ebf8", 5),  # jmp back to the start
        ("55 4889e5", None),  # too short
        ("90 90 90 90 90 06", None),  # not an instruction
    ],
)
def test_what_can_be_moved(code: str, count: int | None) -> None:
    data = bytes.fromhex(code)
    assert detours.movable(data, len(data)) == count


def test_a_distance_from_the_program_counter_is_kept_right(place: Place) -> None:
    # mov 0x100(%rip),%rax; ret
    place = Place(bytes.fromhex("488b05f9000000 90 c3"))
    place.memory[0x100:0x108] = struct.pack("<Q", 0xABCDEF)
    place.watch(FIRST, TYPE)
    assert place.call(place.object(TYPE), 0) == 0xABCDEF
    assert len(place.noted()) == 1
    assert detours.moved_to(place.code[:7], 0, 1 << 40) is None
    assert detours.jump(0, 1 << 40) is None


def test_a_function_that_begins_with_a_call_has_it_return_to_itself() -> None:
    """push %rbx; call 0x40; add $1,%rax; pop %rbx; ret, and there: lea 1(%rdi),%rax; ret"""
    place = Place(bytes.fromhex("53 e83a000000 4883c001 5b c3"))
    place.memory[0x40:0x45] = bytes.fromhex("488d4701c3")
    place.watch(FIRST, TYPE)
    address = place.object(TYPE)
    assert place.call(address, 0) == address + 2
    assert [noted.address for noted in place.noted()] == [address]
