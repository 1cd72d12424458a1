"""Which pointers the crashed C code works on: pure passes over the uses of each address.

Each pass takes and returns immutable values; :func:`uses` is the whole of them in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gdbext.cpython.traits.functions import function_traits
from gdbext.diagnosis.conclude.c_types import expected_by_dwarf
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import ENDING_SLOTS, CFrame, CrashStack, SlotOwner
from gdbext.diagnosis.facts.pointers import Candidates, Use, Uses
from gdbext.model import Claim
from gdbext.target.values import NativeFrame

MAX_POINTERS = 400
MAX_CALL_HELPERS = 6
STACK_REGISTERS = ("rsp", "rbp", "rip")
FREEING = re.compile(r"[fF]ree|_Del$|[dD]ealloc|^_?mi_")
"""Functions that an object may be given to, and be gone when they come to what they do last."""


def uses(stack: CrashStack, fault: Fault, candidates: Candidates) -> Uses:
    """The pointers in use, each with all its uses."""
    found = collect(stack)
    found = add_guesses(found, candidates)
    found = complete_selves(found, stack, candidates)
    found = drop_stack(found, candidates)
    found = add_operand(found, stack, fault, candidates)
    found = add_origin(found, stack, fault)
    return forget_reassigned(found, candidates)


def collect(stack: CrashStack) -> Uses:
    """Object pointers in the frames' variables, innermost first, by address."""
    found: dict[int, tuple[Use, ...]] = {}
    inner_arguments: set[int] = set()
    is_innermost = True
    for c_frame in stack.c_frames:
        frame = c_frame.frame
        arguments: set[int] = set()
        for use, address in _variables(c_frame, stack, inner_arguments, is_innermost):
            if len(found) < MAX_POINTERS:
                found[address] = (*found.get(address, ()), use)
            if use.is_argument:
                arguments.add(address)
        if frame.function is not None and not frame.is_inlined:
            is_innermost = False
        if not frame.is_inlined or arguments:
            inner_arguments = arguments if not frame.is_inlined else inner_arguments | arguments
    return found


def _variables(
    c_frame: CFrame, stack: CrashStack, inner_arguments: set[int], is_innermost: bool
) -> Iterator[tuple[Use, int]]:
    frame, owner = c_frame.frame, c_frame.owner
    is_own = stack.interpreter_module is None or frame.module == stack.interpreter_module
    for position, variable in enumerate(c_frame.variables):
        if variable.value is None or variable.is_address or not variable.is_object:
            continue
        expected = expected_by_dwarf(variable.type, is_own)
        because = Claim("declared-as", type=variable.type)
        if owner and owner.takes_either_side:
            expected = None
        is_self = bool(owner and owner.first_is_self and variable.is_argument and position == 0)
        if is_self and owner and not owner.is_shared:
            expected, because = owner.type_name, owner.claim
        is_ending = is_self and owner is not None and owner.slot in ENDING_SLOTS
        yield (
            Use(
                level=frame.level,
                function=frame.function,
                name=variable.name,
                expected=expected,
                because=because,
                is_argument=variable.is_argument,
                is_self=is_self,
                passed_on=variable.value in inner_arguments,
                is_innermost=is_innermost,
                is_ending=is_ending or function_traits(frame.function).ends_object,
            ),
            variable.value,
        )


def add_guesses(found: Uses, candidates: Candidates) -> Uses:
    """Slot functions without debug information: their ``self`` from registers and stack."""
    added = dict(found)
    for address, use in candidates.guesses:
        added[address] = (*added.get(address, ()), use)
    return added


def complete_selves(found: Uses, stack: CrashStack, candidates: Candidates) -> Uses:
    """The ``self`` of slot functions whose compiler left no location for it: what the caller
    passed.

    The function's type is known from the slot, and the caller's frames still have the pointer: the
    innermost one out there to an object of that type is it.
    """
    completed = dict(found)
    for position, frame in enumerate(stack.c_frames):
        owner = frame.owner
        has_self = any(
            u.is_self and u.level == frame.level for its in completed.values() for u in its
        )
        if owner is None or not owner.first_is_self or has_self:
            continue
        for outer in stack.c_frames[position + 1 : position + 1 + MAX_CALL_HELPERS]:
            address = _of_type(completed, outer.level, owner, candidates)
            if address is not None:
                use = _passed_self(frame, owner, outer.frame)
                completed[address] = tuple(
                    sorted([*completed[address], use], key=lambda u: u.level)
                )
                break
            if outer.owner is not None:
                break
    return completed


def _passed_self(frame: CFrame, owner: SlotOwner, caller: NativeFrame) -> Use:
    return Use(
        level=frame.level,
        function=frame.frame.function,
        name="self",
        expected=owner.type_name,
        because=Claim("passed-by", use=owner.claim, function=caller.function),
        is_argument=True,
        is_self=True,
        is_ending=owner.slot in ENDING_SLOTS,
    )


def _of_type(found: Uses, level: int, owner: SlotOwner, candidates: Candidates) -> int | None:
    for address, its in found.items():
        known = candidates.objects.get(address)
        if known and known.is_a(owner.type_name) and any(u.level == level for u in its):
            return address
    return None


def drop_stack(found: Uses, candidates: Candidates) -> Uses:
    """Without pointers to the C stack: no object lies there.

    The debug information names a register that has been put to other use since.
    """
    if candidates.stack is None:
        return found
    start, end = candidates.stack
    return {address: its for address, its in found.items() if not start <= address < end}


def add_operand(found: Uses, stack: CrashStack, fault: Fault, candidates: Candidates) -> Uses:
    """The faulting instruction's base register as a pointer in use, where it leads to an object.

    It is all there is in functions without DWARF, and where the compiler left no location for a
    variable.
    """
    operand = fault.operand
    if (
        operand is None
        or not operand.base_value
        or operand.base_value in found
        or operand.base in STACK_REGISTERS
        or not candidates.operand_is_object
    ):
        return found
    frame = stack.from_fault[0]
    use = Use(
        level=frame.level,
        function=frame.function,
        name=f"%{operand.base}",
        expected=None,
        because=Claim("faulting-base"),
        is_argument=True,
        passed_on=True,
    )
    return {**found, operand.base_value: (use,)}


def add_origin(found: Uses, stack: CrashStack, fault: Fault) -> Uses:
    """The objects that the code at fault read the pointer from: where no variable has them, and
    where one may be a leftover for all that is known, but the code has read from there just now.
    """
    added = dict(found)
    frame = stack.faulting
    for load in fault.origin.loads if frame is not None else ():
        if frame is None or not load.is_object or load.base is None:
            continue
        known = added.get(load.base, ())
        is_in_use = load.is_fresh and load.is_certain
        if known and (not is_in_use or any(use.is_trusted for use in known)):
            continue
        reader = frame if load.level is None else stack.frame_at(load.level) or frame
        use = Use(
            level=reader.level,
            function=reader.frame.function,
            name=f"{load.offset:#x}(…)",
            expected=None,
            because=Claim("code-read-from", reader=stack.reader(load.level)),
            is_argument=True,
            passed_on=True,
            is_doubtful=not load.is_fresh,
            is_guess=not load.is_certain,
        )
        added[load.base] = tuple(sorted((*known, use), key=lambda each: each.level))
    return added


def forget_reassigned(found: Uses, candidates: Candidates) -> Uses:
    """Without the ``self`` of functions that have assigned to their first parameter since.

    Weak references' proxies go on with the object referred to, say.  Such a pointer comes from no
    caller, is a sound object of another type, and the fault lies further in.
    """
    return {
        address: (*its[:-1], _as_local(its[-1]))
        if _was_reassigned(address, its, candidates)
        else its
        for address, its in found.items()
    }


def _was_reassigned(address: int, its: tuple[Use, ...], candidates: Candidates) -> bool:
    last, known = its[-1], candidates.objects.get(address)
    if not last.is_self or last.expected is None or last.is_innermost or last.is_guess:
        return False
    return (
        known is not None
        and known.type is not None
        and not known.problems
        and not known.is_a(last.expected)
    )


def _as_local(use: Use) -> Use:
    because = Claim("parameter-reassigned")
    return replace(use, expected=None, is_self=False, because=because)


def given_while_ending(its: tuple[Use, ...]) -> Iterator[int]:
    """Levels of the functions that the code which ends an object gave it to.

    Those that may free it themselves are left out.
    """
    ending = min((u.level for u in its if u.is_ending), default=0)
    for use in its:
        if (
            use.is_argument
            and not use.is_ending
            and use.level < ending
            and not FREEING.search(use.function or "free")
        ):
            yield use.level
