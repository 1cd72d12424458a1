"""Finds where a bad pointer came from: a live object that holds it, or held it a moment ago."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.conclude.indices import index_variable
from gdbext.diagnosis.facts.frames import CFrame, CrashStack
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.provenance import Provenance
from gdbext.diagnosis.facts.types import CONTAINERS, SEQUENCES
from gdbext.diagnosis.observe import containers
from gdbext.diagnosis.observe.program_frames import ProgramFrames
from gdbext.model import Address, Claim, Evidence, Slot, Verdict
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault

OBJECT_PROTOCOL = re.compile(r"^_?PyObject_(?!Vectorcall|Call)")
"""Functions that only find an object's slot and run it, often by a jump that leaves no frame of the
slot's function."""
NEVER_GIVE_AWAY = ("tuple", "frozenset")
SOUND = (Verdict.LIVE, Verdict.IMMORTAL, Verdict.UNKNOWN)
LENGTH_FIELDS = {"dict": ("PyDictObject", "ma_used"), "set": ("PySetObject", "used")}


def find_provenance(
    session: Session,
    program: ProgramFrames,
    stack: CrashStack,
    pointers: Sequence[Pointer],
    bad: Pointer,
) -> Provenance | None:
    """Search outwards from the frame that got the bad pointer, for a live object that has it or had
    it.
    """
    outer = bad.outermost_level
    former: Provenance | None = None
    for position, frame in enumerate(stack.c_frames):
        if frame.level < outer:
            continue
        if not stack.same_call(outer, frame.level):
            # Further out are the objects of other Python operations; the module's globals would
            # "hold" almost anything.
            break
        for holder, kind, is_self in _live_objects(session.objects, pointers, frame, bad.address):
            slot = _slot_now(session.objects, holder, bad.address)
            if slot is not None:
                claim = Claim("still-holds", type=kind, holder=Address(holder))
                return Provenance(
                    holder=holder,
                    type=kind,
                    slot=slot[0],
                    current=True,
                    length=containers.length(session.objects, holder),
                    function=frame.function,
                    level=frame.level,
                    adjacent=True,
                    evidence=(Evidence(claim, slot[1], bad.address, holder),),
                )
            if former is None and is_self and kind not in NEVER_GIVE_AWAY:
                former = _former(session.objects, stack, position, holder, kind, bad)
    return former or _named(session, program, stack, bad)


def _named(
    session: Session, program: ProgramFrames, stack: CrashStack, bad: Pointer
) -> Provenance | None:
    """Without a C frame that has the holder: the object that the current Python operation names.

    Of ``repr(x)`` that is ``x``.
    """
    if not stack.same_call(0, bad.own_level):
        return None
    has_others = any(
        c.owner and c.level > bad.own_level and stack.same_call(0, c.level) for c in stack.c_frames
    )
    for holder in program.named_objects(stack.lwp):
        info = session.objects.type_of(holder)
        if info is None or holder == bad.address or session.heap.judge(holder).verdict.is_dead:
            continue
        kind = canonical(info.name) or info.name
        slot = _slot_now(session.objects, holder, bad.address)
        if slot is None and (program.current_frame(stack.lwp) is None or has_others):
            continue
        claim = Claim("operation-works-on", type=kind, holder=Address(holder))
        return Provenance(
            holder=holder,
            type=kind,
            slot=slot[0] if slot else None,
            current=slot is not None,
            length=containers.length(session.objects, holder),
            function=None,
            level=stack.eval_level or 0,
            adjacent=True,
            evidence=(Evidence(claim, holder, None, holder),),
        )
    return None


def _live_objects(
    objects: Objects, pointers: Sequence[Pointer], frame: CFrame, besides: int
) -> list[tuple[int, str, bool]]:
    """(address, type, whether it is the self of a slot function) of the frame's live objects.

    Containers come first.
    """
    found = {}
    for pointer in pointers:
        uses = list(pointer.at_level(frame.level))
        if not uses or pointer.address == besides or pointer.is_bad or pointer.actual_type is None:
            continue
        if pointer.actual_type == "tuple" and _is_argument_tuple(objects, pointer):
            continue
        if pointer.verdict in SOUND:
            typed = any(
                u.is_self or u.expected or OBJECT_PROTOCOL.match(u.function or "") for u in uses
            )
            found[pointer.address] = (pointer.address, pointer.actual_type, typed)
    return sorted(found.values(), key=lambda f: (f[1] not in CONTAINERS, not f[2]))


def _is_argument_tuple(objects: Objects, pointer: Pointer) -> bool:
    """Whether the tuple was made to pass arguments on: C code's ``args``, held by nobody else."""
    if not any("args" in u.name for u in pointer.uses):
        return False
    try:
        return objects.header(pointer.address).refcount == 1
    except MemoryFault:
        return False


def _slot_now(objects: Objects, holder: int, address: int) -> tuple[Slot, int] | None:
    """(slot, slot's address) where the holder has this pointer now."""
    for reference in objects.children(holder):
        if reference.target == address and reference.slot != "ob_type":
            return reference.slot, reference.slot_address
    return None


def _former(
    objects: Objects, stack: CrashStack, position: int, holder: int, kind: str, bad: Pointer
) -> Provenance | None:
    """The holder that does not have the pointer any more, if the frame's code works on
    its content.
    """
    frame = stack.c_frames[position]
    length = containers.length(objects, holder)
    name, index = index_variable(frame)
    local = next((v for v in frame.variables if v.value == bad.address and not v.is_argument), None)
    inner = [c for c in stack.c_frames[:position] if c.level > bad.own_level]
    adjacent = all(c.owner is None for c in inner)
    if not (local or adjacent):
        return None
    evidence = []
    if local:
        claim = Claim("took-as-local", function=frame.function, variable=local.name)
        evidence.append(Evidence(claim, None, bad.address))
    if index is not None and kind in SEQUENCES:
        claim = Claim("is-at-item", function=frame.function, index=index, variable=name)
        evidence.append(Evidence(claim, None, index))
    if length is not None:
        place = _length_address(objects, holder, kind)
        evidence.append(
            Evidence(Claim("length-now", type=kind, holder=Address(holder)), place, length, holder)
        )
    return Provenance(
        holder=holder,
        type=kind,
        slot=index if kind in SEQUENCES else None,
        current=False,
        length=length,
        function=frame.function,
        level=frame.level,
        adjacent=adjacent,
        evidence=tuple(evidence),
    )


def _length_address(objects: Objects, holder: int, kind: str) -> int | None:
    struct, field = LENGTH_FIELDS.get(kind, ("PyVarObject", "ob_size"))
    try:
        return holder + objects.layout.offset(struct, field)
    except UnknownLayout:
        return None
