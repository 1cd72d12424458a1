"""FT204 and FT206: a live object whose field was replaced under its method, or is impossible."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.strings import read_cstring
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import types_with
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.observe.accesses import by_code_of
from gdbext.diagnosis.rules import pointers
from gdbext.diagnosis.rules.build import (
    container_of,
    evidence_of,
    finding,
    name_of,
    subject_of,
    weaker,
)
from gdbext.diagnosis.rules.unions import UNION
from gdbext.diagnosis.suspects import Suspect
from gdbext.model import Claim, Confidence, Evidence, Finding, Subject, Verdict
from gdbext.target.protocol import MemoryFault

MAX_NAME = 200
MIN_OBJECT, MAX_OBJECT = 16, 1 << 20
"""Bytes that instances of a static type may have."""
TYPE_NAME = re.compile(r"[A-Za-z_][\w.]*")
WRITTEN_BY_INIT = types_with("written_by_init_only")


def initialised_again(case: Case) -> Iterator[Finding]:
    """FT204: a live object's method works on what a field of the object held; the field holds another pointer now."""
    suspect, origin = case.root, case.origin
    if (
        suspect is None
        or origin is None
        or origin.is_container
        or origin.current
        or not origin.adjacent
    ):
        return
    if not (suspect.is_gone or suspect.wrong_type):
        return
    if origin.type == "type" or not _has_own_init(case, origin.holder):
        return  # type's __init__ changes nothing
    if origin.type not in WRITTEN_BY_INIT and not _is_initialised_by_another(case, origin.holder):
        return  # Somebody may have set the field.
    operation = case.operation_at(origin.level)
    certain = Confidence.PROVEN if origin.type in WRITTEN_BY_INIT else Confidence.POSSIBLE
    references = [
        Evidence(Claim("field-now", label=r.slot), r.slot_address, r.target)
        for r in case.session.objects.children(origin.holder)
        if r.slot != "ob_type"
    ][:4]
    holder = Subject(
        origin.holder, origin.type, origin.type, case.session.heap.judge(origin.holder).verdict
    )
    yield finding(
        case,
        "FT204",
        f"{operation} uses {name_of(suspect)} that the {origin.type} no longer holds",
        weaker(suspect.liveness.confidence, certain),
        holder,
        None,
        [
            Evidence(
                f"the {origin.type} is alive; {case.operation_at(origin.level)} got the pointer from it",
                origin.holder,
                suspect.address,
            ),
            *references,
            *origin.evidence,
            *evidence_of(case, suspect),
        ],
    )


def _is_initialised_by_another(case: Case, holder: int) -> bool:
    """Whether another thread's code calls the object's __init__."""
    others = (t.lwp for t in case.native_threads if t.lwp != case.lwp)
    return any(
        t.address == holder and t.effect is Effect.REINIT
        for lwp in others
        for t in by_code_of(case, lwp)
    )


def _has_own_init(case: Case, address: int) -> bool:
    """Whether the object's type has a tp_init other than object's."""
    objects, layout = case.session.objects, case.session.layout
    info = objects.type_of(address)
    try:
        if info is None:
            return False
        base = info.address
        for _ in range(64):
            parent = objects.type_info(base)
            if parent is None or not parent.base:
                break
            base = parent.base
        offset = layout.offset("PyTypeObject", "tp_init")
        words = [
            int.from_bytes(case.session.memory.read(a + offset, 8), "little")
            for a in (info.address, base)
        ]
    except UnknownLayout:
        return False
    return words[0] != 0 and words[0] != words[1]


def broken_invariant(case: Case) -> Iterator[Finding]:
    """FT206: a live block whose object header, or whose field, is impossible."""
    suspect = case.root
    if suspect is None or suspect.is_gone or pointers.is_no_object(case, suspect):
        return
    if suspect.is_corrupt:
        problem = suspect.header_problems[0]
        unready = _unready_type(case, suspect)
        yield finding(
            case,
            "FT206",
            f"the static type {unready} has no ob_type: PyType_Ready() was not called for it"
            if unready
            else Claim("header-impossible", object=name_of(suspect), problem=problem.claim),
            _sure_of_header(case, suspect),
            subject_of(suspect),
            container_of(case.origin),
            evidence_of(case, suspect),
        )
        return
    broken = [
        v
        for v in suspect.violations
        if not (v.slot == "args" and UNION in (suspect.expected, suspect.actual_type))
    ]
    if broken:
        yield finding(
            case,
            "FT206",
            Claim(
                "broken-field",
                slot=broken[0].slot,
                object=name_of(suspect),
                flaw=broken[0].claim,
            ),
            Confidence.LIKELY,
            subject_of(suspect),
            container_of(case.origin),
            evidence_of(case, suspect),
        )


def _sure_of_header(case: Case, suspect: Suspect) -> Confidence:
    """An object beside the fault may be one that is not built yet."""
    if not case.died_of(suspect):
        return Confidence.POSSIBLE
    return (
        Confidence.PROVEN
        if suspect.liveness.block is not None
        else weaker(suspect.liveness.confidence, Confidence.LIKELY)
    )


def _unready_type(case: Case, suspect: Suspect) -> str | None:
    """The name of a type object in a module's data whose ob_type nobody set (Objects/typeobject.c, type_ready_set_type)."""
    objects, layout = case.session.objects, case.session.layout
    if suspect.liveness.verdict is not Verdict.FOREIGN or objects.header(suspect.address).ob_type:
        return None
    try:
        place = suspect.address + layout.offset("PyTypeObject", "tp_name")
        name = read_cstring(
            case.session.memory,
            int.from_bytes(case.session.memory.read(place, 8), "little"),
            MAX_NAME,
        )
        size = suspect.address + layout.offset("PyTypeObject", "tp_basicsize")
        basicsize = int.from_bytes(case.session.memory.read(size, 8), "little")
    except (MemoryFault, UnknownLayout):
        return None
    symbol = case.session.debugger.symbol_at(suspect.address)
    is_large = symbol is None or not symbol.size or symbol.size >= layout.size("PyTypeObject")
    return (
        name
        if name and TYPE_NAME.fullmatch(name) and is_large and MIN_OBJECT <= basicsize < MAX_OBJECT
        else None
    )
