"""Registers of x86-64 and what a frame knows of them."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.target.protocol import SIGNAL_FRAME, NativeFrame

GENERAL = tuple("rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split())
"""By DWARF's numbers (System V ABI, figure 3.36)."""
PRESERVED = ("rbx", "rbp", "rsp", "r12", "r13", "r14", "r15", "rip")
"""What functions have to restore for their callers (System V ABI): all that can be known of a
caller's frame.
"""
VOLATILE = tuple(name for name in GENERAL if name not in PRESERVED)


def known_registers(frames: Sequence[NativeFrame], level: int) -> tuple[str, ...]:
    """The registers that are known of a frame: all, when the thread was at its very instruction as
    it stopped or a signal came.
    """
    younger = list(frames[:level])
    while younger and younger[-1].is_inlined:
        younger.pop()
    return GENERAL if not younger or younger[-1].function == SIGNAL_FRAME else PRESERVED
