"""FT201 to FT206: live objects whose state is not what CPython keeps up."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from gdbext.debuggers.base import NativeFrame
from gdbext.layout.layout import UnknownLayout
from gdbext.model import Confidence, Container, Evidence, Finding, Subject, Verdict
from gdbext.triage import containers
from gdbext.triage.case import Case
from gdbext.triage.code_owners import is_standard
from gdbext.triage.expectations import canonical, is_object_pointer
from gdbext.triage.fault import NULL_PAGE, frame_of_signal
from gdbext.triage.origin import CONTAINERS, index_variable
from gdbext.triage.rules import pointers
from gdbext.triage.rules.build import container_of, evidence_of, finding, name_of, subject_of, weaker
from gdbext.triage.suspects import Suspect

UNION = "types.UnionType"
MAX_FRAMES = 160
LAZY_PARAMETERS = "union_init_parameters"
"""Objects/unionobject.c: fills in ``parameters`` when they are first asked for."""
LOCKING = re.compile("CriticalSection|Mutex")
# Only __init__ writes these objects' one field (Objects/funcobject.c up to 3.14): a changed field proves a second call.
WRITTEN_BY_INIT = frozenset({"classmethod", "staticmethod"})


def initialised_again(case: Case) -> Iterator[Finding]:
    """FT204: a live object's method works on what a field of the object held; the field holds another pointer now."""
    suspect, origin = case.root, case.origin
    if suspect is None or origin is None or origin.is_container or origin.current or not origin.adjacent:
        return
    if not (suspect.is_gone or suspect.wrong_type):
        return
    if origin.type == "type" or not _has_own_init(case, origin.holder):
        return  # type's __init__ changes nothing
    operation = case.operation_at(origin.level)
    certain = Confidence.PROVEN if origin.type in WRITTEN_BY_INIT else Confidence.POSSIBLE
    references = [
        Evidence(f"its field {r.slot} now", r.slot_address, r.target)
        for r in case.session.objects.children(origin.holder)
        if r.slot != "ob_type"
    ][:4]
    holder = Subject(origin.holder, origin.type, origin.type, case.session.heap.judge(origin.holder).verdict)
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
        words = [int.from_bytes(case.session.memory.read(a + offset, 8), "little") for a in (info.address, base)]
    except UnknownLayout:
        return False
    return words[0] != 0 and words[0] != words[1]


def union_args(case: Case) -> Iterator[Finding]:
    """FT201: code that works on a union finds args that is no exact tuple."""
    for suspect in case.suspects:
        if UNION not in (suspect.expected, suspect.actual_type) or not suspect.is_trusted_use:
            continue
        broken = next((v for v in suspect.violations if v.field == "args"), None)
        if broken is None:
            # Where the union's memory is another object by now, its args are read from that all the same.
            broken = next((v for v in case.session.objects.invariants(suspect.address, UNION) if v.field == "args"), None)
        if broken is None or (suspect.liveness.verdict is Verdict.DYING and _was_taken_apart(case, broken.value)):
            continue
        kind = case.session.objects.type_of(broken.value) if isinstance(broken.value, int) else None
        there = (
            f"a {kind.name}"
            if kind
            else "NULL"
            if broken.value == 0
            else f"{broken.value:#x}"
            if isinstance(broken.value, int)
            else "?"
        )
        confidence = suspect.liveness.confidence if suspect.is_gone else Confidence.PROVEN
        state = "freed union" if suspect.is_gone else "live union" if suspect.liveness.verdict is Verdict.LIVE else "union"
        yield finding(
            case,
            "FT201",
            f"args of the {state} is {there}",
            confidence,
            subject_of(suspect),
            container_of(case.origin) if suspect is case.root else None,
            [Evidence(broken.claim, broken.address, broken.value, suspect.address, broken=True), *evidence_of(case, suspect)],
        )
        return


def _was_taken_apart(case: Case, args: object) -> bool:
    """Whether a dying union's args are what its deallocation leaves: a tuple that died before it, or died with it."""
    if not isinstance(args, int) or args == 0:
        return True
    verdict = case.session.heap.judge(args, "tuple").verdict
    return verdict is not Verdict.REUSED and (verdict.is_dead or verdict is Verdict.DYING)


def union_parameters(case: Case) -> Iterator[Finding]:
    """FT202: two threads are inside the lazy initialisation of one union's parameters.

    A thread counts once it computes them: one that is about to take the union's lock, or gives it back, is still in order.
    """
    inside: dict[int, list[int]] = {}
    for thread in case.native_threads:
        frames = case.session.debugger.frames(thread.lwp, MAX_FRAMES)
        for callee, frame in itertools.pairwise(frames):
            if frame.function != LAZY_PARAMETERS or LOCKING.search(callee.function or ""):
                continue
            for variable in case.session.debugger.variables(thread.lwp, frame.level):
                if variable.is_argument and variable.value:
                    inside.setdefault(variable.value, []).append(thread.lwp)
    for union, threads in inside.items():
        if len(threads) > 1 and not case.session.locks.holders(union):
            info = case.session.objects.type_of(union)
            subject = Subject(union, canonical(info.name) if info else None, UNION, case.session.heap.judge(union).verdict)
            yield finding(
                case,
                "FT202",
                f"{len(threads)} threads fill in the parameters of one union",
                # A fault elsewhere has a cause of its own.
                Confidence.PROVEN if not case.fault.is_fault or _works_on(case, union, threads) else Confidence.POSSIBLE,
                subject,
                evidence=[
                    Evidence(
                        "threads that compute the parameters inside union_init_parameters, while nobody holds its mutex",
                        union,
                        ", ".join(map(str, threads)),
                    )
                ],
                threads=threads,
            )


def _works_on(case: Case, union: int, threads: Sequence[int]) -> bool:
    """Whether the thread that died is one of those, or uses the union."""
    return case.lwp in threads or any(s.address == union for s in case.suspects)


def container_changed(case: Case) -> Iterator[Finding]:
    """FT203: the storage that a container's method works on has been freed, replaced, or become too short."""
    yield from _too_short(case)
    objects, heap = case.session.objects, case.session.heap
    for frame in case.c_frames:
        owner = next(
            (s for s in case.suspects for u in s.uses if u.level == frame.frame.level and u.is_self and not s.is_bad), None
        )
        if owner is None or owner.actual_type is None:
            continue
        storage = containers.storage(objects, owner.address)
        if storage is None:
            continue
        for variable in frame.variables:
            if variable.value is None or variable.is_address or not _is_array(variable.type):
                continue
            if storage.start <= variable.value <= storage.end or not variable.value:
                continue
            state = heap.judge_block(variable.value)
            if state.verdict.is_dead:
                yield finding(
                    case,
                    "FT203",
                    f"{frame.frame.function} walks an array that the {owner.actual_type} no longer owns",
                    weaker(state.confidence, Confidence.LIKELY),
                    subject_of(owner),
                    container_of(case.origin),
                    [
                        Evidence(
                            f"#{frame.frame.level} {frame.frame.function}: {variable.name} points to the old array",
                            None,
                            variable.value,
                        ),
                        Evidence(f"the {owner.actual_type}'s array now", storage.pointer_address, storage.start),
                        *state.evidence,
                    ],
                )
                return


def _too_short(case: Case) -> Iterator[Finding]:
    """The faulting function has a live object with a size, and an index that is beyond it now."""
    fault = case.fault
    if not fault.is_fault or case.root is not None:
        return
    last: NativeFrame | None = None
    for frame in case.c_frames[:MAX_INNER]:
        # The access that goes too far is the function's own: it is at fault itself, or what is inlined into it.
        if not case.same_call(0, frame.frame.level) or (last is not None and not last.is_inlined):
            return
        last = frame.frame
        name, index = index_variable(frame)
        suspect = next(
            (s for s in case.suspects for u in s.uses if u.level == frame.frame.level and u.is_argument and _is_mutable(s)), None
        )
        if suspect is None:
            continue
        place, size = _length(case, suspect.address)
        emptied = size == 0 and (fault.address or 0) < MAX_OFFSET and fault.jumped_to is None
        if (index is not None and size <= index) or (index is None and emptied):
            beyond = f"is at item {index}, the" if index is not None else "reads an item, but the"
            seen = (
                Evidence(f"#{frame.frame.level} {frame.function}: {name}", None, str(index))
                if index is not None
                else Evidence("the access is at an offset from NULL, where its items were", fault.address)
            )
            yield finding(
                case,
                "FT203",
                f"{case.operation_at(frame.frame.level)} {beyond} {suspect.actual_type} has {size} now",
                weaker(Confidence.LIKELY, _sure_of_null(case, suspect)),
                subject_of(suspect),
                None,
                [
                    seen,
                    Evidence("ob_size now", place, str(size), suspect.address, broken=True),
                    *suspect.liveness.evidence,
                ],
            )
            return


def _length(case: Case, address: int) -> tuple[int, int]:
    """Where a sized object has its length, and the length now."""
    place = address + case.session.layout.offset("PyVarObject", "ob_size")
    return place, int.from_bytes(case.session.memory.read(place, 8), "little")


MAX_INNER = 6
MAX_OFFSET = 1 << 24
"""An access this near to NULL may be to an item of an array that is not there."""


def _is_mutable(suspect: Suspect) -> bool:
    """A live object of a type with a size that may change: its C struct starts with PyVarObject, and its items lie elsewhere."""
    return suspect.actual_type in RESIZABLE and not suspect.is_bad


RESIZABLE = frozenset({"list", "bytearray", "array.array", "collections.deque"})


def _is_array(dwarf_type: str) -> bool:
    return dwarf_type.replace(" ", "").endswith(("**", "char*", "double*", "Py_ssize_t*"))


def null_slot(case: Case) -> Iterator[Finding]:
    """FT205: the faulting access goes through a NULL that a live object's field, or an argument, has."""
    address = case.fault.address
    operand = case.fault.operand
    if not case.fault.is_fault or address is None or address >= NULL_PAGE or case.fault.jumped_to is not None:
        return
    if operand is None or operand.base_value is None or operand.base_value >= NULL_PAGE:
        return
    for suspect in case.suspects:
        # What a function has in a local alone it may be making just now.
        if suspect.is_gone or not any(case.same_call(0, u.level) and (u.is_argument or u.passed_on) for u in suspect.uses):
            continue
        for broken in case.session.objects.invariants(suspect.address):
            if broken.value == 0 and broken.field not in ("header", "ob_type"):
                yield _null_finding(case, suspect, broken.field, broken.address)
                return
    yield from list(_null_item(case)) or pointers.null_object(case)


def _null_item(case: Case) -> Iterator[Finding]:
    """The faulting function walks a live list and has a NULL for an item: the slot was not filled yet, or no more."""
    frame = next((f for f in case.c_frames if not f.frame.is_inlined), None)
    if frame is None:
        return
    name, index = index_variable(frame)
    null = next(
        (v for v in frame.variables if v.value == 0 and not v.is_argument and is_object_pointer(v.type, case.session.layout)), None
    )
    walked = next(
        (s for s in case.suspects for u in s.uses if u.level == frame.frame.level and u.is_argument and _is_mutable(s)), None
    )
    if null is None or walked is None or index is None:
        return
    place, size = _length(case, walked.address)
    yield finding(
        case,
        "FT205",
        f"item {index} of a {walked.actual_type} was NULL when {case.operation_at(frame.frame.level)} took it",
        weaker(Confidence.LIKELY, _sure_of_null(case, walked)),
        subject_of(walked),
        Container(walked.address, walked.actual_type or "", index),
        [
            Evidence(f"#{frame.frame.level} {frame.function}: {null.name} is NULL, {name} is {index}", None, 0, broken=True),
            Evidence(f"length of the {walked.actual_type} now", place, str(size)),
            *walked.liveness.evidence,
        ],
    )


def _null_finding(case: Case, suspect: Suspect, field: str, address: int | None) -> Finding:
    container = container_of(case.origin) if suspect is case.root else None
    if suspect.actual_type in CONTAINERS:
        position = field.removeprefix("item ").removeprefix("[").removesuffix("]")
        container = Container(suspect.address, suspect.actual_type or "", int(position) if position.isdecimal() else position)
    return finding(
        case,
        "FT205",
        f"{field} of a {suspect.actual_type or suspect.expected} is NULL",
        _sure_of_null(case, suspect),
        subject_of(suspect),
        container,
        [Evidence(f"{field} is NULL", address, 0, suspect.address, broken=True), *evidence_of(case, suspect)],
    )


def _sure_of_null(case: Case, suspect: Suspect) -> Confidence:
    """Proven where the type's own code, which works on its fields, hit a NULL; other code may have had a NULL of its own,
    and a function that was given one beside the object may have hit that."""
    uses = [u for u in suspect.uses if case.same_call(0, u.level)]
    was_given_one = any(_has_null_argument(case, u.level) for u in uses)
    if any(u.is_self for u in uses):
        return Confidence.LIKELY if was_given_one else Confidence.PROVEN
    module = case.native_frames[frame_of_signal(case.native_frames)].module
    own = module == case.interpreter_module or is_standard(module)
    return Confidence.LIKELY if own and suspect.is_trusted_use and not was_given_one else Confidence.POSSIBLE


def _has_null_argument(case: Case, level: int) -> bool:
    """Whether the function of that frame was called with NULL for an object."""
    function = next((f for f in case.c_frames if f.frame.level == level), None)
    variables = function.variables if function else ()
    return any(v.is_argument and v.value == 0 and is_object_pointer(v.type, case.session.layout) for v in variables)


def broken_invariant(case: Case) -> Iterator[Finding]:
    """FT206: a live block whose object header, or whose field, is impossible."""
    suspect = case.root
    if suspect is None or suspect.is_gone or pointers.is_no_object(case, suspect):
        return
    if suspect.is_corrupt:
        problem = suspect.header_problems[0]
        yield finding(
            case,
            "FT206",
            f"the header of {name_of(suspect)} is impossible: {problem.claim}",
            Confidence.PROVEN if suspect.liveness.block is not None else weaker(suspect.liveness.confidence, Confidence.LIKELY),
            subject_of(suspect),
            container_of(case.origin),
            evidence_of(case, suspect),
        )
        return
    broken = [v for v in suspect.violations if not (v.field == "args" and UNION in (suspect.expected, suspect.actual_type))]
    if broken:
        yield finding(
            case,
            "FT206",
            f"{broken[0].field} of {name_of(suspect)} {broken[0].claim}",
            Confidence.LIKELY,
            subject_of(suspect),
            container_of(case.origin),
            evidence_of(case, suspect),
        )
