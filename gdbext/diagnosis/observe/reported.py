"""What the functions that report fatal errors were given where no variable has it: as their own
instructions say, and those of the function that called them.

A message is a constant as a rule, which the caller puts into a register before the call.  The
functions in ``functions.json`` that have ``parameters`` are exported ones: compilers leave those
their arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gdbext.binfmt import dataflow
from gdbext.binfmt.recovered_arguments import ARGUMENTS, recovered
from gdbext.cpython.traits.functions import function_traits
from gdbext.diagnosis.observe.frame_words import FunctionRanges
from gdbext.target.protocol import Debugger, MemoryFault, NativeFrame

DIRECT_CALL, INDIRECT_CALL = b"\xe8", b"\xff\x15"
"""``call`` to an address in the code (5 bytes), or to one in a variable of the module (6)."""
Given: TypeAlias = "Mapping[str, int]"
"""The arguments by the names of the parameters."""


def given_to(
    debugger: Debugger,
    functions: FunctionRanges,
    frames: Sequence[NativeFrame],
    lwp: int,
    level: int,
) -> Given:
    """What the function of a frame was called with, as far as code says it."""
    frame = frames[level]
    parameters = function_traits(frame.function).parameters
    if not parameters or frame.is_inlined or not _is_as_declared(debugger, frame):
        return {}
    caller = next((f for f in frames[level + 1 :] if not f.is_inlined), None)
    found = dict(_kept(debugger, functions, frame, lwp, caller))
    if caller is not None:
        found.update(_constants(debugger, functions, caller))
    return {name: found[n] for n, name in enumerate(parameters) if n in found}


def _is_as_declared(debugger: Debugger, frame: NativeFrame) -> bool:
    """Whether the code is the function itself, not a copy that compilers made with fewer
    arguments.
    """
    symbol = debugger.symbol_at(frame.pc - 1)
    return symbol is not None and "." not in symbol.name


def _kept(
    debugger: Debugger,
    functions: FunctionRanges,
    frame: NativeFrame,
    lwp: int,
    caller: NativeFrame | None,
) -> Mapping[int, int]:
    """What the function has still, by position."""
    code = functions(frame, False)
    if code is None:
        return {}
    registers = debugger.registers(lwp, frame.level)
    caller_sp = caller.sp if caller is not None else None
    return recovered(debugger, code, frame.pc, registers, caller_sp, is_caller=True)


def _constants(
    debugger: Debugger, functions: FunctionRanges, caller: NativeFrame
) -> Mapping[int, int]:
    """The constants that the caller's code put into the registers of arguments, by position."""
    code = functions(caller, False)
    if code is None or len(code) > dataflow.MAX_CODE:
        return {}
    try:
        text = debugger.read(code.start, len(code))
    except MemoryFault:
        return {}
    end = caller.pc - code.start
    for call in (DIRECT_CALL, INDIRECT_CALL):
        at = end - len(call) - 4
        if at >= 0 and text[at:].startswith(call):
            before = dataflow.at_instruction(text, code.start, code.start + at)
            values = {n: before.get(name) for n, name in enumerate(ARGUMENTS)}
            return {
                n: value.value
                for n, value in values.items()
                if isinstance(value, dataflow.Constant)
            }
    return {}
