"""FT205: a fault on a NULL that a live object's field, a list's slot or an argument has."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from gdbext.diagnosis.conclude.indices import index_variable
from gdbext.diagnosis.conclude.nulls import sure_of_null, walked_at
from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.pointers import BrokenField, Pointer
from gdbext.diagnosis.facts.types import CONTAINERS
from gdbext.diagnosis.rule import Defect, Kind, Lost, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import (
    container_of,
    evidence_of,
    frame_of,
    header_read,
    last_read,
    subject_of,
    weaker,
)
from gdbext.model import (
    Address,
    Claim,
    Confidence,
    Container,
    Evidence,
    Finding,
    Subject,
    Verdict,
    index_of,
)

OPTIONAL = frozenset(
    {"kwnames", "kwargs", "kwds", "kw", "kwdict", "globals", "locals", "closure", "dict"}
)
"""Parameters that are NULL where a call has none."""
OF_OBJECTS = re.compile(r"_?Py_(X?INCREF|X?DECREF|X?NewRef|TYPE|IS_TYPE|REFCNT)")
"""Functions of Include/object.h that every caller gives an object."""
C_API = re.compile(r"_?Py[A-Z]\w*_")
BEHIND_LAST = (
    "The index is beyond the size: the loop goes one too far, or the size was taken before another "
    "thread, or code called meanwhile, made it smaller. PyList_GetItemRef, PyTuple_GetItem check."
)
NULL_RESULT = (
    "Check the result before it is used: NULL says that nothing was found, or that an exception is "
    "set."
)
HEADER_REACH = 0x40
"""An access through NULL to an object's header, or to the first fields behind it."""


def check(facts: Facts) -> Iterator[Finding]:
    """The faulting access goes through a NULL that a live object's field, or an argument, has."""
    if not facts.fault.is_through_null:
        return
    for pointer in facts.pointers:
        if pointer.null_field is not None and not pointer.is_gone and _is_used(facts, pointer):
            yield _of_field(facts, pointer, pointer.null_field)
            return
    yield from list(_read_item(facts)) or list(_item(facts)) or _argument(facts)


def _is_used(facts: Facts, pointer: Pointer) -> bool:
    """What a function has in a local alone it may be making just now."""
    return any(
        facts.stack.same_call(0, u.level) and (u.is_argument or u.passed_on) for u in pointer.uses
    )


def _of_field(facts: Facts, pointer: Pointer, null: BrokenField) -> Finding:
    container = container_of(facts.cause) if pointer is facts.cause.pointer else None
    loads = facts.fault.origin.loads
    was_read = bool(loads) and loads[0].base == pointer.address
    if pointer.actual_type in CONTAINERS:
        # What code read for itself is one of the container's own fields, unless it is an item.
        is_field = was_read and not isinstance(null.slot, int)
        index = None if null.slot is None or is_field else index_of(null.slot)
        container = Container(pointer.address, pointer.actual_type or "", index)
    place, about = null.evidence.address, pointer.address
    kind = pointer.actual_type or pointer.expected or "object"
    detail = Claim("null-in", slot=null.slot, type=kind)
    if was_read and (reader := frame_of(facts, loads[0].level)) is not None:
        detail = Claim("read-null-from", function=reader.function, slot=null.slot, type=kind)
    return RULE.finding(
        facts,
        detail,
        sure_of_null(pointer, facts.fault, facts.stack),
        subject_of(pointer),
        container,
        [
            Evidence(Claim("null", slot=null.slot), place, 0, about, broken=True)
            if not null.value
            else Evidence(Claim("null-since-set", slot=null.slot), place, null.value, about),
            *evidence_of(facts, pointer),
        ],
    )


def _read_item(facts: Facts) -> Iterator[Finding]:
    """The code at fault read the NULL from the array of a live container."""
    origin = facts.fault.origin
    item, frame = origin.item, frame_of(facts, origin.loads[0].level if origin.loads else None)
    if item is None or frame is None or origin.loads[0].value:
        return
    if _is_mistaken(facts, item.holder):
        # What is read there as the items of a list are the words of something else, for the code.
        return
    operation = of_crashed_frame(facts.stack, frame.level)
    claim = Claim("item-was-null", index=item.index, type=item.type, operation=operation)
    if item.is_behind:
        claim = Claim("item-behind-last", index=item.index, type=item.type, operation=operation)
    reader = facts.stack.reader(origin.loads[0].level)
    read = Claim("code-read-item", reader=reader, index=item.index)
    length = Claim("length-now", type=item.type, holder=Address(item.holder))
    yield RULE.finding(
        facts,
        claim,
        Confidence.LIKELY,
        Subject(item.holder, item.type, None, Verdict.LIVE),
        Container(item.holder, item.type, item.index),
        [
            Evidence(read, item.place, item.now, broken=True),
            Evidence(length, None, str(item.length), item.holder),
            *header_read(facts),
        ],
        advice=BEHIND_LAST if item.is_behind else None,
    )


def _is_mistaken(facts: Facts, holder: int) -> bool:
    """Whether the code takes an object for one of another type, or has it from a field in which it
    must not stand.
    """
    return any(
        (pointer.address == holder and pointer.wrong_type)
        or any(broken.value == holder for broken in pointer.violations)
        or (pointer.union_args is not None and pointer.union_args.broken.value == holder)
        for pointer in facts.pointers
    )


def _item(facts: Facts) -> Iterator[Finding]:
    """The faulting function walks a live list and has a NULL for an item.

    The slot was not filled yet, or is not any more.
    """
    frame = facts.stack.faulting
    if frame is None:
        return
    name, index = index_variable(frame)
    null = next(
        (v for v in frame.variables if v.value == 0 and not v.is_argument and v.is_object), None
    )
    walked = walked_at(facts.pointers, frame.level)
    if null is None or walked is None or walked.size is None or index is None:
        return
    place, size = walked.size
    kind, operation = walked.actual_type, of_crashed_frame(facts.stack, frame.level)
    claim = Claim(
        "null-at-index",
        level=frame.level,
        function=frame.frame.function,
        variable=null.name,
        index_variable=name,
        index=index,
    )
    length = Claim("length-now", type=kind, holder=Address(walked.address))
    yield RULE.finding(
        facts,
        Claim("item-was-null", index=index, type=kind or "container", operation=operation),
        weaker(Confidence.LIKELY, sure_of_null(walked, facts.fault, facts.stack)),
        subject_of(walked),
        Container(walked.address, kind or "", index),
        [
            Evidence(claim, None, 0, broken=True),
            Evidence(length, place, str(size), walked.address),
            *walked.liveness.evidence,
        ],
    )


def _argument(facts: Facts) -> Iterator[Finding]:
    """The function at fault works on a NULL where an object has to be."""
    fault, root = facts.fault, facts.cause.pointer
    operand = fault.operand
    if fault.address is None or fault.address >= HEADER_REACH:
        return
    if operand is None or operand.base_value != 0 or (root is not None and root.is_gone):
        return
    at_fault = facts.stack.faulting
    called = fault.origin.result_of if not fault.origin.loads else None
    if called is not None and (fault.origin.level is None or C_API.match(called)):
        yield from _given(facts)
        return
    was_read = any(not load.is_local for load in fault.origin.loads[:1])
    for frame in facts.stack.c_frames if at_fault and not was_read else ():
        null = next(
            (
                v
                for v in frame.variables
                if v.is_argument and v.value == 0 and v.name not in OPTIONAL and v.is_object
            ),
            None,
        )
        if null is not None:
            claim = Claim(
                "variable-null", level=frame.level, function=frame.function, variable=null.name
            )
            yield RULE.finding(
                facts,
                Claim("uses-null", function=at_fault.function if at_fault else "??"),
                Confidence.LIKELY,
                evidence=[Evidence(claim, None, 0, broken=True)],
            )
            return
        if frame is at_fault:
            break
    yield from _given(facts)


def _given(facts: Facts) -> Iterator[Finding]:
    """The NULL is what a function of the C API returned, what the function at fault was given, or
    what a variable of its module has, as its instructions say.

    That it should be an object, the offset alone says of the latter two.
    """
    origin, frame = facts.fault.origin, facts.stack.faulting
    given = frame_of(facts, origin.level)
    if frame is None or given is None or not origin.is_known:
        return
    function, called = frame.function, origin.result_of
    last = origin.loads[0] if origin.loads else None
    sure = Confidence.POSSIBLE
    detail = Claim("uses-null", function=function)
    if last is None and called is not None and (C_API.match(called) or facts.fault.reads_header):
        # Of other functions the offset alone says that they return an object.
        sure = Confidence.LIKELY if C_API.match(called) else Confidence.POSSIBLE
        detail = Claim("uses-null-result", function=function, called=called)
        source = Evidence(Claim("null-returned", called=called), None, 0, broken=True)
    elif not facts.fault.reads_header:
        return
    elif last is None and origin.argument is not None:
        claim = Claim("null-argument", function=given.function, number=origin.argument + 1)
        source = Evidence(claim, None, 0, broken=True)
    elif last is not None and last.base is None and not last.value:
        claim = Claim(
            "code-read-variable", reader=facts.stack.reader(last.level), variable=last.symbol
        )
        source = Evidence(claim, last.place, 0, broken=True)
    elif last and not last.value and not last.is_local and _counts_references(facts):
        sure = Confidence.LIKELY
        [source] = last_read(facts)
    else:
        return
    advice = NULL_RESULT if detail.kind == "uses-null-result" else None
    yield RULE.finding(facts, detail, sure, evidence=[source, *header_read(facts)], advice=advice)


def _counts_references(facts: Facts) -> bool:
    """Whether the access is that of a function for any object, such as ``Py_INCREF``, which is
    compiled into the one at fault: what it was given should be an object, then.
    """
    frames = facts.stack.from_fault
    inlined = itertools.takewhile(lambda frame: frame.is_inlined, frames)
    return any(OF_OBJECTS.fullmatch(frame.function or "") for frame in inlined)


RULE = Rule(
    id="FT205",
    title="NULL or half-built slot",
    explanation=(
        "A field that must hold an object is NULL: the object was seen before it was built, "
        "or after it was taken apart."
    ),
    advice=(
        "Publish an object only when it is complete; check fields that another thread may clear, "
        "and results that may be NULL."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=100,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE, Defect.MUTEX_MISUSE}),
        lost=Lost.ITEM,
    ),
    check=check,
)
