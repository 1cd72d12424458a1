"""What a thread that is blocked in the kernel waits for, from its registers and the instruction
before its program counter.

On x86-64 Linux a system call leaves ``rip`` just behind the ``syscall`` instruction and the
arguments where they were: a futex's address in ``rdi``, its operation in ``rsi``, its timeout in
``r10``.  The call's number is lost with ``rax``, but compilers load it right before (``mov
$n,%eax``).
"""

from __future__ import annotations

from collections.abc import Mapping

from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

SYSCALL = b"\x0f\x05"
MOV_EAX = 0xB8
XOR_EAX_EAX = b"\x31\xc0"
"""How compilers load 0, the number of read()."""
READ = 0
FUTEX = 202
# FUTEX_WAIT and FUTEX_WAIT_BITSET, FUTEX_LOCK_PI and its second form (include/uapi/linux/futex.h).
FUTEX_WAITS = {0, 6, 9, 13}
FUTEX_COMMAND = 0x7F
FUTEX_PRIVATE = 0x80
# A call that a signal (or the debugger) may interrupt and restart leaves one of these in rax.
RESTARTS = {(1 << 64) - number for number in (512, 513, 514, 516)}
BLOCKING = {
    0: "read",
    1: "write",
    7: "poll",
    23: "select",
    34: "pause",
    35: "nanosleep",
    42: "connect",
    43: "accept",
    44: "sendto",
    45: "recvfrom",
    46: "sendmsg",
    47: "recvmsg",
    61: "wait4",
    72: "fcntl",
    73: "flock",
    128: "rt_sigtimedwait",
    130: "rt_sigsuspend",
    FUTEX: "futex",
    230: "clock_nanosleep",
    232: "epoll_wait",
    247: "waitid",
    270: "pselect6",
    271: "ppoll",
    281: "epoll_pwait",
    288: "accept4",
}
"""Calls that may block for long, by number (arch/x86/entry/syscalls/syscall_64.tbl)."""
AT_ONCE = {9, 10, 11, 12, 24, 25, 28}
"""Calls that wait for nothing: mmap, mprotect, munmap, brk, sched_yield, mremap, madvise."""
TIMES = {"nanosleep": "rdi", "clock_nanosleep": "rdx", "ppoll": "rdx", "pselect6": "r8"}
"""Where a call has the address of the time that it takes at most, a ``struct timespec``."""
MILLISECONDS = {"poll": "rdx", "epoll_wait": "r10", "epoll_pwait": "r10"}
TIMER_ABSTIME = 1


@dataclass(frozen=True)
class SystemCall:
    """The call that a thread is in.

    ``futex`` is the address of the word it sleeps on, if it does.
    """

    number: int | None
    name: str | None
    futex: int | None = None
    has_timeout: bool | None = None
    seconds: float | None = None
    """The time that it takes at most, where it has such a limit and that can be read."""

    @property
    def is_work(self) -> bool:
        """Whether a thread in it is running: one that spins for a mutex is in sched_yield."""
        return self.number in AT_ONCE


def current_call(memory: Memory, registers: Mapping[str, int]) -> SystemCall | None:
    """The system call that a thread with these registers is in; None if it is in none.

    >>> registers = {"rip": 0x7F0000001007, "rdi": 0x7F0000ABC010, "rsi": 0x189, "r10": 0}
    >>> current_call(memory, registers)  # doctest: +SKIP
    SystemCall(number=202, name='futex', futex=139637987983376, has_timeout=False)
    """
    rip = registers.get("rip")
    if not rip:
        return None
    try:
        before = memory.read(rip - 7, 7)
    except MemoryFault:
        return None
    if before[5:] != SYSCALL:
        return None
    number = (
        int.from_bytes(before[1:5], "little")
        if before[0] == MOV_EAX
        else READ
        if before[3:5] == XOR_EAX_EAX
        else None
    )
    command = registers.get("rsi", 0)
    address = registers.get("rdi", 0)
    waits = (
        command & FUTEX_COMMAND in FUTEX_WAITS
        and command < 1 << 12
        and address % 4 == 0
        and address > 4096
    )
    if waits and (
        number == FUTEX
        or (number is None and command & FUTEX_PRIVATE and registers.get("rax") in RESTARTS)
    ):
        timeout = registers.get("r10")
        return SystemCall(FUTEX, "futex", address, None if timeout is None else timeout != 0)
    name = BLOCKING.get(number) if number is not None else None
    return SystemCall(number, name, seconds=_seconds(memory, name, registers) if name else None)


def _seconds(memory: Memory, name: str, registers: Mapping[str, int]) -> float | None:
    """The longest that a call waits; None for one without a limit, or with one at a time of day."""
    if (register := MILLISECONDS.get(name)) is not None:
        limit = registers.get(register, 0) & 0xFFFF_FFFF
        return limit / 1000 if register in registers and limit < 1 << 31 else None
    address = registers.get(TIMES.get(name, ""))
    if not address or (name == "clock_nanosleep" and registers.get("rsi", 0) & TIMER_ABSTIME):
        return None
    try:
        data = bytes(memory.read(address, 16))
    except MemoryFault:
        return None
    nanoseconds = int.from_bytes(data[8:], "little", signed=True)
    return int.from_bytes(data[:8], "little", signed=True) + nanoseconds / 1e9
