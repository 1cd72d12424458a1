"""Machine code that notes each call of a function in a ring in memory, and goes on.

The function's first instructions are replaced by a jump to a *detour*: it looks at the type of the
object that the call is for, notes the call if the type is one of those looked for, does the
function's first instructions and jumps behind them.  Nothing stops: a call takes some nanoseconds
longer.

An entry of the ring has sixteen words: a number that counts up from 1 over all threads' calls, the
function, the object, its type, the LWP, the return address, and for up to three Python frames,
innermost first, the code object and the instruction.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gdbext.binfmt.x86.instruction import Immediate, MemoryOperand, decode
from gdbext.frozen import dataclass

JUMP = 5
"""Bytes of a jump to a near place."""
ENTRY = 128
FRAMES = 3
FIRST, SECOND, IN_ARRAY = range(3)
"""How a function gets the object: as its first argument, as its second, or first in the array that
its second argument points to.
"""
OBJECT = {FIRST: b"\x48\x89\xf9", SECOND: b"\x48\x89\xf1", IN_ARRAY: b"\x48\x8b\x0e"}
"""``mov %rdi,%rcx``, ``mov %rsi,%rcx``, ``mov (%rsi),%rcx``."""
CALL = 5
CALL_AS_JUMP = bytes.fromhex("ff3506000000 ff2508000000")
LEAVES = ("ret", "jmp", "call", "int3", "ud2", "hlt", "syscall")


@dataclass(frozen=True, kw_only=True)
class Offsets:
    """Where the process keeps what a detour notes: ``thread_state`` and ``lwp`` from the thread
    pointer on, the others in CPython's structs.
    """

    thread_state: int
    lwp: int
    ob_type: int
    current_frame: int
    executable: int
    instruction: int
    previous: int


@dataclass(frozen=True, kw_only=True)
class Ring:
    """``counter`` is the address of the word that counts, ``count`` a power of two."""

    counter: int
    start: int
    count: int


@dataclass(frozen=True, kw_only=True)
class NotedCall:
    """One call: ``back`` is where it returns to, ``frames`` are code object and instruction
    pointer, innermost first.
    """

    function: int
    address: int
    type: int
    lwp: int
    back: int
    frames: tuple[tuple[int, int], ...]


def noted_calls(ring: bytes, counted: int) -> list[NotedCall]:
    """The calls in a ring's memory, in their order.

    What is being written is left out, and what a thread has written that was held for so long that
    the ring had gone round meanwhile: ``counted`` is how many calls there were.
    """
    oldest = counted - len(ring) // ENTRY
    found = sorted(
        words for words in struct.iter_unpack("<16Q", ring) if max(oldest, 0) < words[0] <= counted
    )
    return [
        NotedCall(
            function=words[1],
            address=words[2],
            type=words[3],
            lwp=words[4],
            back=words[5],
            frames=tuple(
                (words[at], words[at + 1]) for at in range(6, 6 + 2 * FRAMES, 2) if words[at]
            ),
        )
        for words in found
    ]


def movable(code: bytes, size: int) -> int | None:
    """How many bytes at a function's start can be moved elsewhere to make room for a jump; None
    where that cannot be done, or the function may jump back among them.

    ``code`` is the whole function, ``size`` bytes long.

    >>> movable(bytes.fromhex("55 4889e5 4883ec10 c3"), 9)
    8
    >>> movable(bytes.fromhex("7403 90 90 90 c3"), 6)
    """
    moved = None
    position = 0
    targets = []
    while position < size:
        found = decode(code[position : position + 15])
        if found is None:
            return None
        if moved is None:
            is_branch = any(isinstance(o, int) for o in found.operands)
            is_last = position + found.size >= JUMP
            if (is_branch or found.mnemonic.startswith(LEAVES)) and not (
                is_last and _is_direct_call(code[position : position + found.size])
            ):
                return None
            if _distance(code[position : position + found.size]) is None:
                return None
        targets += [position + found.size + o for o in found.operands if isinstance(o, int)]
        position += found.size
        if moved is None and position >= JUMP:
            moved = position
    if moved is None or any(0 < target < moved for target in targets):
        return None
    return moved


def _distance(code: bytes) -> int | None:
    """Where an instruction has its distance from the program counter: 0 for one that has none, None
    where that is not clear.
    """
    found = decode(code)
    operands = found.operands if found is not None else ()
    relative = [o for o in operands if isinstance(o, MemoryOperand) and o.base == "rip"]
    if not relative:
        return 0
    place = len(code) - 4
    is_last = code[place:] == struct.pack("<i", relative[0].displacement)
    return place if is_last and not any(isinstance(o, Immediate) for o in operands) else None


def moved_to(code: bytes, old: int, new: int) -> bytes | None:
    """A function's first instructions as they have to be elsewhere; None where what they name is
    too far away.

    >>> moved_to(bytes.fromhex("488d1510000000"), 0x1000, 0x0f00).hex()
    '488d1510010000'
    """
    made = bytearray()
    while len(made) < len(code):
        rest = code[len(made) :]
        found = decode(rest[:15])
        if found is None:
            return None
        one = bytearray(rest[: found.size])
        if place := _distance(bytes(one)):
            distance = struct.unpack_from("<i", one, place)[0] + old - new
            if not -(1 << 31) <= distance < 1 << 31:
                return None
            struct.pack_into("<i", one, place, distance)
        made += one
    return bytes(made)


def jump(place: int, target: int) -> bytes | None:
    """A near jump; None where the target is too far."""
    distance = target - place - JUMP
    return b"\xe9" + struct.pack("<i", distance) if -(1 << 31) <= distance < 1 << 31 else None


def detour(
    function: int,
    moved: bytes,
    place: int,
    passes: int,
    types: Sequence[int],
    ring: Ring,
    offsets: Offsets,
) -> bytes | None:
    """The code, for a ``place``, that notes a call of ``function``, whose first bytes are
    ``moved``.
    """
    noting = _noting(function, ring, offsets)
    tests = b""
    for index, address in enumerate(types):
        rest = len(types) - index - 1
        # Behind the remaining tests, of 19 bytes each, and the jump.
        tests += b"\x48\xb8" + struct.pack("<Q", address) + b"\x48\x39\xc2"
        tests += b"\x0f\x84" + struct.pack("<i", rest * 19 + 5)
    tests += b"\xe9" + struct.pack("<i", len(noting))
    looking = b"\x48\x8b\x91" + struct.pack("<i", offsets.ob_type) + tests
    before = (
        b"\x9c\x50\x51\x52"  # pushf; push %rax; push %rcx; push %rdx
        + OBJECT[passes]
        + b"\x48\x85\xc9\x0f\x84"  # test %rcx,%rcx; je
        + struct.pack("<i", len(looking) + len(noting))
        + looking
        + noting
        + b"\x5a\x59\x58\x9d"
    )
    calls = moved[-CALL:] if _ends_in_call(moved) else b""
    there = moved_to(moved[: len(moved) - len(calls)], function, place + len(before))
    if there is None:
        return None
    behind = function + len(moved)
    if calls:
        # What is called returns to the function itself: a stack never has the detour on it.
        target = behind + struct.unpack("<i", calls[1:])[0]
        # push and jmp, by the words behind them.
        return before + there + CALL_AS_JUMP + struct.pack("<QQ", behind, target)
    return before + there + b"\xff\x25\0\0\0\0" + struct.pack("<Q", behind)


def _is_direct_call(code: bytes) -> bool:
    return len(code) == CALL and code[:1] == b"\xe8"


def _ends_in_call(code: bytes) -> bool:
    """Whether the last of the instructions is a call of a function that it names."""
    position = size = 0
    while position < len(code):
        found = decode(code[position : position + 15])
        if found is None:
            return False
        size = found.size
        position += size
    return _is_direct_call(code[len(code) - size :])


def _noting(function: int, ring: Ring, offsets: Offsets) -> bytes:
    """With the object in rcx and its type in rdx; other registers are kept."""
    frames = b""
    for index in reversed(range(FRAMES)):
        place = 48 + 16 * index
        one = (
            b"\x48\x8b\x81" + struct.pack("<i", offsets.executable)
            + b"\x48\x89\x46" + bytes([place])
            + b"\x48\x8b\x81" + struct.pack("<i", offsets.instruction)
            + b"\x48\x89\x46" + bytes([place + 8])
            + b"\x48\x8b\x89" + struct.pack("<i", offsets.previous)
        )  # fmt: skip
        frames = _unless_null(one + frames)
    frames = _unless_null(b"\x48\x8b\x89" + struct.pack("<i", offsets.current_frame) + frames)
    return (
        b"\x56\x41\x50"  # push %rsi; push %r8
        + b"\x48\xb8" + struct.pack("<Q", ring.counter)
        + b"\xbe\x01\0\0\0\xf0\x48\x0f\xc1\x30"  # mov $1,%esi; lock xadd %rsi,(%rax)
        + b"\x49\x89\xf0\x81\xe6" + struct.pack("<I", ring.count - 1)
        + b"\x48\xc1\xe6\x07"  # shl $7,%rsi
        + b"\x48\xb8" + struct.pack("<Q", ring.start)
        + b"\x48\x01\xc6"  # add %rax,%rsi
        + b"\x48\xc7\x06\0\0\0\0"
        + b"\x48\x89\x4e\x10\x48\x89\x56\x18"
        + b"\x48\xb8" + struct.pack("<Q", function) + b"\x48\x89\x46\x08"
        + b"\x64\x8b\x04\x25" + struct.pack("<i", offsets.lwp) + b"\x48\x89\x46\x20"
        + b"\x48\x8b\x44\x24\x30\x48\x89\x46\x28"  # the return address, above six words
        + b"\x31\xc0" + b"".join(b"\x48\x89\x46" + bytes([48 + 16 * i]) for i in range(FRAMES))
        + b"\x64\x48\x8b\x0c\x25" + struct.pack("<i", offsets.thread_state)
        + frames
        + b"\x49\xff\xc0\x4c\x89\x06"  # inc %r8; mov %r8,(%rsi)
        + b"\x41\x58\x5e"
    )  # fmt: skip


def _unless_null(code: bytes) -> bytes:
    """The code, passed over where rcx is 0."""
    return b"\x48\x85\xc9\x0f\x84" + struct.pack("<i", len(code)) + code
