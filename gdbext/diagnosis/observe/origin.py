"""Reads where the code at fault had the pointer from that it faulted through.

The function's instructions say from which memory a register was loaded
(:mod:`gdbext.binfmt.dataflow`), with debug information or without; what lives there says whose
field, item or variable that is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.binfmt import dataflow
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.decoded import List, Tuple
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.facts.fault import Fault, FaultOperand
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.origin import ItemRead, Load, Origin
from gdbext.diagnosis.facts.pointers import MEM_DOMAIN
from gdbext.diagnosis.observe.bad_call import read_call
from gdbext.diagnosis.observe.c_fields import field_at
from gdbext.diagnosis.observe.call_target import called_address, called_function
from gdbext.diagnosis.observe.stack import Functions
from gdbext.diagnosis.observe.type_members import members
from gdbext.model import AttributeSlot, Slot
from gdbext.session import Session
from gdbext.target.cplusplus import short_function
from gdbext.target.protocol import MemoryFault

WORD = 8
MAX_CALLERS = 4


def read_origin(session: Session, functions: Functions, stack: CrashStack, fault: Fault) -> Origin:
    """Where the base of the faulting operand came from; nothing is known of what code does not
    say.
    """
    found = _source(session, functions, stack, fault)
    if found is None:
        return Origin()
    loads = [_load(session, stack, load, None) for load in found.loads]
    level = None
    if fault.jumped_to is None and fault.operand is not None:
        for caller, passed in _passed_on(session, functions, stack, found, fault.operand):
            loads += (_load(session, stack, load, caller) for load in passed.loads)
            found = replace(passed, loads=(*found.loads, *passed.loads))
            level = caller
    return Origin(
        loads=tuple(loads),
        argument=found.argument,
        result_of=called_function(session.debugger, found.result_of) if found.result_of else None,
        item=_item(session, found.loads),
        level=level,
    )


def _passed_on(
    session: Session,
    functions: Functions,
    stack: CrashStack,
    found: dataflow.ValueSource,
    operand: FaultOperand,
) -> Iterator[tuple[int, dataflow.ValueSource]]:
    """Where callers had the argument from that the pointer began with, by their frames' levels, as
    far as each called the next one itself and not a function that jumped there.
    """
    frames = [f for f in stack.from_fault if not f.is_inlined]
    has_called = found.has_called
    value = found.loads[-1].base if found.loads else operand.base_value
    for inner, caller in itertools.pairwise(frames[: 1 + MAX_CALLERS]):
        called = functions.addresses(inner, inner is frames[0])
        addresses = functions.addresses(caller, False)
        if found.argument is None or value is None or called is None or addresses is None:
            return
        if stack.lwp is None or called_address(session.debugger, caller.pc) != called.start:
            return
        found = dataflow.argument_source(
            session.memory,
            addresses,
            caller.pc,
            session.debugger.registers(stack.lwp, caller.level),
            found.argument,
            value,
            has_called,
        )
        has_called |= found.has_called
        if not found.loads and found.argument is None and found.result_of is None:
            return
        yield caller.level, found
        value = found.loads[-1].base if found.loads else value


def _source(
    session: Session, functions: Functions, stack: CrashStack, fault: Fault
) -> dataflow.ValueSource | None:
    frame, operand, jumped = stack.faulting, fault.operand, fault.jumped_to
    if frame is None or stack.lwp is None:
        return None
    if jumped is not None:
        call = read_call(session.debugger, stack, jumped)
        addresses = functions.addresses(call.frame, False) if call is not None else None
        if call is None or addresses is None:
            return None
        return dataflow.source_of(
            session.memory, addresses, call.pc, call.registers, call.operand, jumped
        )
    addresses = functions.addresses(frame.frame, True)
    if operand is None or operand.base is None or operand.base_value is None or addresses is None:
        return None
    registers = session.debugger.registers(stack.lwp, frame.level)
    return dataflow.source_of(
        session.memory, addresses, frame.frame.pc, registers, operand.base, operand.base_value
    )


def _load(
    session: Session, stack: CrashStack, load: dataflow.MemoryLoad, level: int | None
) -> Load:
    base = load.base
    is_object = base is not None and leads_to_object(session, base)
    symbol = session.debugger.symbol_at(load.place) if base is None else None
    is_inside = symbol is not None and load.place < symbol.address + max(symbol.size, WORD)
    return Load(
        place=load.place,
        value=load.value,
        now=_word(session, load.place),
        base=base,
        offset=load.offset,
        is_object=is_object,
        type=_type_name(session.objects, base) if is_object and base else None,
        is_certain=not load.is_read_again,
        is_fresh=load.is_fresh,
        is_local=load.is_local,
        slot=_slot(session, stack, base, load.offset) if is_object and base else None,
        symbol=short_function(symbol.name) if symbol is not None and is_inside else None,
        is_shared=base is None and not load.is_local and is_others_data(session, load.place),
        level=level,
    )


def is_others_data(session: Session, place: int) -> bool:
    """Whether a place is in the data of a file that is neither Python's nor the system's, and can
    be written: not in its tables of constants and of what it imports.
    """
    places = session.heap.records.places
    region = places.region(place)
    path = places.module(place)
    is_data = region is not None and region.writable and path is not None
    return is_data and is_others(path, places.module(session.runtime.address))


def _word(session: Session, address: int) -> int | None:
    try:
        return int.from_bytes(session.memory.read(address, WORD), "little")
    except MemoryFault:
        return None


def leads_to_object(session: Session, address: int) -> bool:
    """Whether an object is there, or was: static, or in a block of those that are for objects."""
    if not address or address % WORD:
        return False
    block = session.heap.judge(address).block
    if block is not None:
        return block.domain != MEM_DOMAIN and block.start <= address
    return session.objects.type_of(address) is not None


def _type_name(objects: Objects, address: int) -> str | None:
    info = objects.type_of(address)
    return canonical(info.name) or info.name if info is not None else None


def _slot(session: Session, stack: CrashStack, address: int, offset: int) -> Slot | None:
    """What the object's type calls the field at an offset, else what its C struct does."""
    objects = session.objects
    info = objects.type_of(address)
    if info is None:
        return None
    for name, member in members(objects, info.address):
        if member == offset:
            return AttributeSlot(name)
    family = objects.family(info)
    for slot in family.known_slots(objects):
        try:
            if objects.layout.offset(family.struct, slot.name) == offset:
                return slot.name
        except UnknownLayout:
            continue
    return field_at(session, stack, address, offset)


def _item(session: Session, loads: Sequence[dataflow.MemoryLoad]) -> ItemRead | None:
    """Where the last load is of an item of a live list or tuple: of the array that a list had when
    it was read, of that of a tuple itself.
    """
    objects = session.objects
    if not loads:
        return None
    last, holder = loads[0], loads[0].base
    if holder is None:
        return None
    if len(loads) > 1 and loads[1].base is not None and loads[1].value == last.base:
        holder = loads[1].base
        found = objects.decode(holder) if _is_sound(session, holder) else None
        is_array = isinstance(found, List) and loads[1].place == holder + objects.layout.offset(
            "PyListObject", "ob_item"
        )
        if not isinstance(found, List) or not is_array or found.buffer != last.base:
            return None
    else:
        found = objects.decode(holder) if _is_sound(session, holder) else None
        if not isinstance(found, Tuple):
            return None
    index, odd = divmod(last.place - found.buffer, WORD)
    if odd or index < 0:
        return None
    kind = found.type.name if found.type else ""
    return ItemRead(
        holder=holder,
        type=canonical(kind) or kind,
        index=index,
        length=found.length,
        place=last.place,
        now=_word(session, last.place),
    )


def _is_sound(session: Session, address: int) -> bool:
    return leads_to_object(session, address) and not (
        session.heap.judge(address, "object").verdict.is_dead
        or any(True for _ in session.objects.why_not_object(address))
    )
