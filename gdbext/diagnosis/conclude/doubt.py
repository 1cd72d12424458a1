"""Which dead pointers prove something, and which the code may have had all the same.

A dead object's address in a frame is not a defect by itself: ``list_dealloc`` has one when all is
well, and so has a function that gave up its own reference and did not clear the variable.  Only a
use that needs the object alive counts (``Use.is_trusted``), and :func:`doubt` takes that away from
uses that may be of the other kind.  :func:`died_of` asks the other question, whether the fault can
have come of this object at all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gdbext.diagnosis.conclude.pointers import given_while_ending
from gdbext.diagnosis.conclude.reporters import asserting_levels, reporter_module
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.model import Confidence

VARIABLE = re.compile(r"(?<!->)(?<!\.)\b[A-Za-z_]\w*")
"""Names in a C expression that are not those of fields."""


def doubt(pointer: Pointer, fault: Fault, stack: CrashStack) -> Pointer:
    """The pointer without the uses that prove nothing, and with the verdict for what is left.

    Whoever gives up a reference may see the object die: frames that deallocate it, and those that
    asked for that, count only if the fault came of it.  A function that faults on something else
    may have freed its argument itself, too; one of CPython's own only borrows its arguments, so
    there that is the unlikely case.
    """
    if not pointer.is_gone:
        return pointer
    # CPython's functions need the objects that they are given; a deallocator calls them before it
    # frees its object.
    ended_again = any(
        stack.module_at(level) == stack.interpreter_module
        for level in given_while_ending(pointer.uses)
    )
    pointer = replace(pointer, ended_again=ended_again)
    ending = (
        None if ended_again else min((u.level for u in pointer.uses if u.is_ending), default=None)
    )
    is_at_fault = _is_at_fault(pointer, fault, stack)
    if ending is not None and not (is_at_fault and stack.same_call(0, ending)):
        return replace(pointer, uses=tuple(replace(u, is_doubtful=True) for u in pointer.uses))
    if not is_at_fault and not any(u.is_self for u in pointer.uses):
        return _weakened(pointer, stack)
    return pointer


def _is_at_fault(pointer: Pointer, fault: Fault, stack: CrashStack) -> bool:
    is_at_fault = died_of(pointer, fault, stack)
    if not fault.is_fault or pointer.ended_again or is_accessed(pointer, fault):
        return is_at_fault
    # A pointer that stands in a freed object may have been read before the end, by whoever had the
    # right to end it: a deallocator, or an extension's function that owned its argument.
    is_extensions = stack.module_at(pointer.innermost.level) != stack.interpreter_module
    may_own = is_extensions and not any(u.is_self for u in pointer.uses)
    return is_at_fault and not may_own and not any(u.is_ending for u in pointer.uses)


def _weakened(pointer: Pointer, stack: CrashStack) -> Pointer:
    is_borrowed = stack.is_in_interpreter and any(
        u.is_argument and u.is_innermost for u in pointer.uses
    )
    known = pointer.liveness_for_use
    confidence = Confidence.LIKELY if is_borrowed else Confidence.POSSIBLE
    return replace(
        pointer,
        liveness_for_use=replace(
            known, confidence=max(confidence, known.confidence, key=lambda c: c.rank)
        ),
    )


def is_accessed(pointer: Pointer, fault: Fault) -> bool:
    """Whether the faulting access is to the object's own memory, or the code at fault read from
    there just before, and has called nothing since.
    """
    operand = fault.operand
    if any(load.base == pointer.address and load.is_fresh for load in fault.origin.loads):
        return True
    return operand is not None and pointer.address <= operand.address < pointer.end


def died_of(pointer: Pointer, fault: Fault, stack: CrashStack) -> bool:
    """Whether the object may be what the process died of.

    A fault may go through it; a failed assertion names it, by a variable of its own function; a
    fatal error is about it, or the interpreter itself found one in code that has the object,
    without saying about what.  A plain abort, or a signal from outside, came of no object.
    """
    if not fault.is_crash:
        return False
    if fault.is_fault:
        return pointer.is_on_fault_path
    if fault.fatal_object:
        return fault.fatal_object == pointer.address
    if fault.assertion:
        levels = asserting_levels(stack)
        names = {u.name for u in pointer.uses if u.level in levels}
        return not names.isdisjoint(VARIABLE.findall(fault.assertion))
    # What an extension has in a variable when it calls the interpreter it may have given up before.
    return (
        fault.fatal_error is not None
        and reporter_module(stack.native_frames) == stack.interpreter_module
        and any(stack.is_interpreters(stack.module_at(u.level)) for u in pointer.uses)
    )
