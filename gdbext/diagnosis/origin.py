"""Where a bad pointer came from: the object in whose slot it stands, or stood when the code took it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.traits.types import canonical, types_with
from gdbext.diagnosis import containers
from gdbext.model import Evidence, Slot, Verdict
from gdbext.target.protocol import MemoryFault

if TYPE_CHECKING:
    from gdbext.diagnosis.case import Case, CFrame
    from gdbext.diagnosis.suspects import Suspect

CONTAINERS = types_with("container")
SEQUENCES = types_with("sequence")
INDEX_NAMES = ("i", "index", "pos", "idx", "it_index")
OBJECT_PROTOCOL = re.compile(r"^_?PyObject_(?!Vectorcall|Call)")
"""Functions that only find an object's slot and run it, often by a jump that leaves no frame of the slot's function."""
MAX_PLAUSIBLE_INDEX = 1 << 40


@dataclass(frozen=True)
class Origin:
    """The holder is a live object.  ``current`` says whether the pointer still stands in its slot.

    ``slot`` is an index, a key's text or a field's name; ``length`` the holder's present length where it has one.
    ``adjacent`` is True when the holder's own C function called the one that got the bad pointer, with at most generic
    call helpers of the C API between.
    """

    holder: int
    type: str
    slot: Slot | None
    current: bool
    length: int | None
    function: str | None
    level: int
    adjacent: bool
    evidence: tuple[Evidence, ...]
    was_searched: bool = False
    """Whether no frame shows the holder: a search of the heap found it by what it holds now."""

    @property
    def is_container(self) -> bool:
        return self.type in CONTAINERS

    @property
    def shrank(self) -> bool:
        """Whether the container is now too short for the item that its reader works on."""
        return isinstance(self.slot, int) and self.length is not None and self.slot >= self.length


def find_origin(case: Case, suspect: Suspect) -> Origin | None:
    """Search outwards from the frame that got the bad pointer, for a live object that holds it or held it."""
    outer = suspect.outermost_level
    remembered: Origin | None = None
    for position, frame in enumerate(case.c_frames):
        if frame.frame.level < outer:
            continue
        if not case.same_call(outer, frame.frame.level):
            # Further out are the objects of other Python operations; the module's globals would "hold" almost anything.
            break
        for holder, kind, is_self in _live_objects(case, frame, suspect.address):
            slot = _slot_now(case, holder, suspect.address)
            if slot is not None:
                claim = f"{kind} {holder:#x} still holds the pointer"
                evidence = (Evidence(claim, slot[1], suspect.address),)
                size = containers.length(case.session.objects, holder)
                return Origin(
                    holder,
                    kind,
                    slot[0],
                    True,
                    size,
                    frame.function,
                    frame.frame.level,
                    True,
                    evidence,
                )
            # A tuple never gives an item away.
            if remembered is None and is_self and kind not in ("tuple", "frozenset"):
                remembered = _former(case, frame, position, holder, kind, suspect)
    return remembered or _named(case, suspect)


def _named(case: Case, suspect: Suspect) -> Origin | None:
    """Without a C frame that has the holder: the object that the current Python operation names, say of ``repr(x)``."""
    if not case.same_call(0, _own_level(suspect)):
        return None
    others = [
        c
        for c in case.c_frames
        if c.owner and c.frame.level > _own_level(suspect) and case.same_call(0, c.frame.level)
    ]
    for holder in case.named_objects():
        info = case.session.objects.type_of(holder)
        if (
            info is None
            or holder == suspect.address
            or case.session.heap.judge(holder).verdict.is_dead
        ):
            continue
        kind = canonical(info.name) or info.name
        size = containers.length(case.session.objects, holder)
        frame = case.current_frame(case.lwp) if case.lwp is not None else None
        evidence = (
            Evidence(f"the current Python operation works on the {kind}", holder, None, holder),
        )
        slot = _slot_now(case, holder, suspect.address)
        level = case.eval_level or 0
        if slot is not None:
            return Origin(holder, kind, slot[0], True, size, None, level, True, evidence)
        if frame is not None and not others:
            return Origin(holder, kind, None, False, size, None, level, True, evidence)
    return None


def _live_objects(case: Case, frame: CFrame, besides: int) -> list[tuple[int, str, bool]]:
    """(address, type, whether it is the self of a slot function) of the frame's live objects, containers first."""
    found = {}
    for suspect in case.suspects:
        uses = [u for u in suspect.uses if u.level == frame.frame.level]
        if not uses or suspect.address == besides or suspect.is_bad or suspect.actual_type is None:
            continue
        if suspect.actual_type == "tuple" and _is_argument_tuple(case, suspect):
            continue
        if suspect.liveness.verdict in (Verdict.LIVE, Verdict.IMMORTAL, Verdict.UNKNOWN):
            typed = any(
                u.is_self or u.expected or OBJECT_PROTOCOL.match(u.function or "") for u in uses
            )
            found[suspect.address] = (suspect.address, suspect.actual_type, typed)
    return sorted(found.values(), key=lambda f: (f[1] not in CONTAINERS, not f[2]))


def _is_argument_tuple(case: Case, suspect: Suspect) -> bool:
    """Whether the tuple was made to pass arguments on: C code's ``args`` or ``argstuple``, held by nobody else."""
    if not any("args" in u.name for u in suspect.uses):
        return False
    try:
        return case.session.objects.header(suspect.address).refcount == 1
    except MemoryFault:
        return False


def _slot_now(case: Case, holder: int, address: int) -> tuple[Slot, int] | None:
    """(slot, slot's address) where the holder has this pointer now."""
    for reference in case.session.objects.children(holder):
        if reference.target == address and reference.slot != "ob_type":
            return reference.slot, reference.slot_address
    return None


def _former(
    case: Case, frame: CFrame, position: int, holder: int, kind: str, suspect: Suspect
) -> Origin | None:
    """The holder does not have the pointer any more; was the frame's code working on its content?"""
    length = containers.length(case.session.objects, holder)
    name, index = index_variable(frame)
    evidence = []
    local = next(
        (v for v in frame.variables if v.value == suspect.address and not v.is_argument), None
    )
    if local:
        evidence.append(
            Evidence(f"{frame.function} took it as its local `{local.name}`", None, suspect.address)
        )
    if index is not None and kind in SEQUENCES:
        evidence.append(
            Evidence(f"{frame.function} is at item {index} (its local `{name}`)", None, index)
        )
    if length is not None:
        evidence.append(
            Evidence(f"length of the {kind} now", _length_address(case, holder, kind), length)
        )
    between = [
        c
        for c in case.c_frames[:position]
        if c.frame.level > suspect.innermost.level or c.frame.level >= _own_level(suspect)
    ]
    adjacent = all(c.owner is None for c in between if c.frame.level > _own_level(suspect))
    if not (local or adjacent):
        return None
    slot: int | str | None = index if kind in SEQUENCES else None
    return Origin(
        holder,
        kind,
        slot,
        False,
        length,
        frame.function,
        frame.frame.level,
        adjacent,
        tuple(evidence),
    )


def _own_level(suspect: Suspect) -> int:
    """The outermost frame that has the bad pointer as its argument."""
    return max((u.level for u in suspect.uses if u.is_argument), default=suspect.outermost.level)


def index_variable(frame: CFrame) -> tuple[str | None, int | None]:
    """The frame's loop position, where a local variable by a usual name has one."""
    for name in INDEX_NAMES:
        value = frame.value(name)
        if value is not None and value < MAX_PLAUSIBLE_INDEX:
            return name, value
    return None, None


def _length_address(case: Case, holder: int, kind: str) -> int | None:
    try:
        struct, field = {"dict": ("PyDictObject", "ma_used"), "set": ("PySetObject", "used")}.get(
            kind, ("PyVarObject", "ob_size")
        )
        return holder + case.session.layout.offset(struct, field)
    except (MemoryFault, UnknownLayout):
        return None


__all__ = ["CONTAINERS", "Origin", "find_origin", "index_variable"]
