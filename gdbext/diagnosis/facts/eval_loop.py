"""Which native frames are the interpreter's eval loop: C frames that a Python frame says more
about.

In most builds one function, ``_PyEval_EvalFrameDefault`` (Python/ceval.c), runs the bytecode; each
call of it is one native frame.  Where the interpreter was built with tail calls (Python 3.14 and
later, ``--with-tail-call-interp``, Python/generated_cases.c.h) that function only enters: each
instruction is a function of its own, ``_TAIL_CALL_LOAD_FAST`` …, which ends in a jump to the next
instruction's.  One call then has two native frames, that of the instruction at work and, further
out, ``_PyEval_EvalFrameDefault``.
"""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.cpython.traits.functions import EVAL_LOOP
from gdbext.target.values import NativeFrame

HANDLER = "_TAIL_CALL_"
SMALLEST_LOOP = 8192
"""Bytes of the smallest function that can run all instructions itself; one that only enters has
about 1,000.
"""


def is_tail_calling(size: int | None) -> bool:
    """Whether instructions are functions of their own, by the size of ``_PyEval_EvalFrameDefault``;
    None if unknown.

    >>> is_tail_calling(1011), is_tail_calling(52_000), is_tail_calling(None)
    (True, False, False)
    """
    return size is not None and 0 < size < SMALLEST_LOOP


def eval_levels(frames: Sequence[NativeFrame], tail_calling: bool) -> tuple[int, ...]:
    """The levels of all frames of eval loops, innermost first; ``frames`` innermost first.

    Without symbols an instruction's function has no name: in a build that is ``tail_calling``, what
    ``_PyEval_EvalFrameDefault`` has called, and the file does not export, is one.
    """
    levels = []
    for position, frame in enumerate(frames):
        if is_entry(frame):
            inner = frames[position - 1] if position else None
            if tail_calling and inner is not None and inner.function is None:
                levels.append(inner.level)
            levels.append(frame.level)
        elif (frame.function or "").startswith(HANDLER) and not frame.is_inlined:
            levels.append(frame.level)
    return tuple(levels)


def is_entry(frame: NativeFrame) -> bool:
    """Whether a frame is one call of the eval loop: each runs one group of Python frames."""
    return (frame.function or "").startswith(EVAL_LOOP)
