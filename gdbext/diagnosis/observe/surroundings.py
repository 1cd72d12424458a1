"""Reads what else memory says of the root pointer, and of the object that it was a field of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gdbext.cpython.fills import fill_of
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.strings import read_cstring
from gdbext.diagnosis.facts.cause import Surroundings
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.provenance import FieldHolder, Provenance
from gdbext.diagnosis.observe.slots import slot_function
from gdbext.model import Claim, Evidence, Verdict
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault, text_in_word

MAX_NAME = 200
MAX_BASES = 64
MAX_FIELDS = 4
MIN_OBJECT, MAX_OBJECT = 16, 1 << 20
"""Bytes that instances of a static type may have."""
TYPE_NAME = re.compile(r"[A-Za-z_][\w.]*")
INTO_BLOCKS = (Verdict.REUSED, Verdict.INTERIOR)


def read_surroundings(session: Session, stack: CrashStack, pointer: Pointer) -> Surroundings:
    """What the word may be other than a pointer to an object, and what its block is for."""
    address = pointer.address
    thread = session.runtime.by_tid(address)
    is_reused = pointer.verdict is Verdict.REUSED
    return Surroundings(
        fill=fill_of(address) if session.heap.records.hooks else None,
        thread=thread.native_thread_id if thread else None,
        is_text=text_in_word(address) is not None
        and session.heap.judge(address).verdict is Verdict.UNMAPPED,
        characters_of=_characters_of(session, pointer) if pointer.verdict in INTO_BLOCKS else None,
        block_verdict=session.heap.judge_block(address).verdict if is_reused else None,
        unready_type=_unready_type(session, pointer) if pointer.is_corrupt else None,
        own_slot=_own_slot(session, stack, pointer) if pointer.wrong_type else None,
    )


def _characters_of(session: Session, pointer: Pointer) -> tuple[str, int] | None:
    around = session.heap.object_around(pointer.address)
    kind = session.objects.type_of(around) if around is not None else None
    if around is None or kind is None or session.heap.judge(around).verdict.is_dead:
        return None
    offset = pointer.address - around
    return (kind.name, around) if offset in _text_offsets(session.layout, kind.name) else None


def _text_offsets(layout: Layout, kind: str) -> Sequence[int]:
    """Where a str's or bytes' characters begin in it.

    From Include/cpython/unicodeobject.h and bytesobject.h.
    """
    if kind == "str":
        return layout.size("PyASCIIObject"), layout.size("PyCompactUnicodeObject")
    return [layout.offset("PyBytesObject", "ob_sval")] if kind == "bytes" else ()


def _unready_type(session: Session, pointer: Pointer) -> str | None:
    """The name of a type object in a module's data whose ob_type nobody set.

    ``PyType_Ready()`` does (Objects/typeobject.c, type_ready_set_type).
    """
    layout, memory, address = session.layout, session.memory, pointer.address
    if pointer.verdict is not Verdict.FOREIGN or pointer.ob_type:
        return None
    try:
        place = address + layout.offset("PyTypeObject", "tp_name")
        name = read_cstring(memory, int.from_bytes(memory.read(place, 8), "little"), MAX_NAME)
        size = address + layout.offset("PyTypeObject", "tp_basicsize")
        basicsize = int.from_bytes(memory.read(size, 8), "little")
    except (MemoryFault, UnknownLayout):
        return None
    symbol = session.debugger.symbol_at(address)
    is_large = symbol is None or not symbol.size or symbol.size >= layout.size("PyTypeObject")
    is_type = TYPE_NAME.fullmatch(name or "") and MIN_OBJECT <= basicsize < MAX_OBJECT
    return name if is_type and is_large else None


def _own_slot(session: Session, stack: CrashStack, pointer: Pointer) -> str | None:
    """The slot in which the object's type has the function that takes it for one of another type.

    A type may have another's function, whose struct it does not have: then the interpreter got
    there by the object's type as it is, and nothing need have been there before.
    """
    frame = stack.frame_at(pointer.main_use.level) if pointer.main_use.is_self else None
    owner = frame.owner if frame is not None else None
    info = session.objects.type_of(pointer.address)
    if owner is None or owner.type_address is None or info is None:
        return None
    of_type = [
        slot_function(session.memory, session.layout, address, owner.slot)
        for address in (owner.type_address, info.address)
    ]
    return owner.slot if of_type[0] and of_type[0] == of_type[1] else None


def read_field_holder(
    session: Session, provenance: Provenance, is_initialised_by_another: bool
) -> FieldHolder:
    """The state of the live object that the pointer was a field of."""
    fields = [
        Evidence(Claim("field-now", label=r.slot), r.slot_address, r.target)
        for r in session.objects.children(provenance.holder)
        if r.slot != "ob_type"
    ]
    return FieldHolder(
        evidence=tuple(fields[:MAX_FIELDS]),
        verdict=session.heap.judge(provenance.holder).verdict,
        has_own_init=has_own_init(session, provenance.holder),
        is_initialised_by_another=is_initialised_by_another,
    )


def has_own_init(session: Session, address: int) -> bool:
    """Whether the object's type has a tp_init other than object's."""
    objects, layout = session.objects, session.layout
    info = objects.type_of(address)
    try:
        if info is None:
            return False
        base = info.address
        for _ in range(MAX_BASES):
            parent = objects.type_info(base)
            if parent is None or not parent.base:
                break
            base = parent.base
        offset = layout.offset("PyTypeObject", "tp_init")
        words = [
            int.from_bytes(session.memory.read(a + offset, 8), "little")
            for a in (info.address, base)
        ]
    except UnknownLayout:
        return False
    return words[0] != 0 and words[0] != words[1]
