"""Small helpers to make findings of a case's parts."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.cpython.allocator.debug_hooks import fill_of
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.code_owners import is_system
from gdbext.diagnosis.origin import Origin
from gdbext.diagnosis.rules.catalog import DOCS
from gdbext.diagnosis.suspects import Suspect
from gdbext.model import (
    Address,
    Claim,
    Confidence,
    Container,
    Evidence,
    Finding,
    Subject,
    ThreadName,
    index_of,
)
from gdbext.target.protocol import NativeFrame

MAX_EVIDENCE = 24


def finding(
    case: Case,
    rule: str,
    detail: Claim | str,
    confidence: Confidence,
    subject: Subject | None = None,
    container: Container | None = None,
    evidence: Sequence[Evidence] = (),
    threads: Sequence[int] | None = None,
) -> Finding:
    """A finding whose title is the rule's, with ``detail`` behind it; threads default to the one at fault."""
    at_fault = (case.lwp,) if case.lwp is not None else ()
    title: Claim | str = DOCS[rule].title
    if isinstance(detail, Claim):
        title = Claim("finding", rule=DOCS[rule].title, detail=detail)
    elif detail:
        title = f"{title}: {detail}"
    return Finding(
        rule,
        title,
        confidence,
        subject,
        container,
        tuple(threads) if threads is not None else at_fault,
        tuple(dict.fromkeys(evidence))[:MAX_EVIDENCE],
        DOCS[rule].advice,
    )


def subject_of(suspect: Suspect) -> Subject:
    """``type`` is what memory says now; a freed object's own type shows only where its header is still its own."""
    return Subject(suspect.address, suspect.actual_type, suspect.expected, suspect.liveness.verdict)


def container_of(origin: Origin | None) -> Container | None:
    if origin is None or not origin.is_container:
        return None
    index = None if origin.slot is None else index_of(origin.slot)
    return Container(origin.holder, origin.type, index)


def evidence_of(case: Case, suspect: Suspect) -> list[Evidence]:
    """What proves the verdict on a suspect: who uses it as what, and what memory has there."""
    typed = [u for u in suspect.uses if u.expected] or suspect.uses[:1]
    use = next((u for u in typed if u.is_self), typed[0])
    described = Evidence(
        f"#{use.level} {use.function}({use.name}) takes it for {use.expected or 'an object'} ({use.because})",
        None,
        suspect.address,
    )
    broken = [v.evidence(suspect.address) for v in suspect.violations]
    return [
        described,
        *_who(case, suspect),
        *suspect.liveness.evidence,
        *broken,
        *suspect.header_problems,
    ]


def fill_went_through(case: Case) -> tuple[int, Evidence] | None:
    """(fill byte, evidence) where the fault went through a fill of the debug hooks; without them such a word says nothing."""
    through = case.fault.through
    fill = fill_of(through) if through is not None and case.session.heap.records.hooks else None
    if fill is None:
        return None
    return fill, Evidence(
        Claim("read-from-fill", fill=Address(fill)),
        None,
        through,
        broken=True,
    )


def subject_at(case: Case, address: int) -> Subject:
    """What lives at an address that nothing says a type of."""
    info = case.session.objects.type_of(address)
    return Subject(
        address, info.name if info else None, None, case.session.heap.judge(address).verdict
    )


def caller_of_system(case: Case) -> NativeFrame | None:
    """The crashed thread's innermost function, by name, that is not of a library of the system."""
    frames = (f for f in case.native_frames if f.function)
    return next(
        (f for f in frames if f.module == case.interpreter_module or not is_system(f.module)), None
    )


def one_thread(case: Case) -> list[Evidence]:
    """Who else can have changed a container under its reader, where the process has one thread."""
    if len(case.session.runtime.threads) != 1:
        return []
    return [
        Evidence(
            "the process has one thread: code that the operation itself called (__eq__, __index__, __repr__, a destructor) "
            "changed it, or a thread that has ended since"
        )
    ]


def _who(case: Case, suspect: Suspect) -> list[Evidence]:
    """The verdict in a sentence, with the name of the thread that owns the block's page."""
    liveness = suspect.liveness
    if not liveness.reason or not suspect.is_gone:
        return []
    block = liveness.block
    owner = next(
        (t for t in case.session.runtime.threads if block and t.address == block.owner_tstate), None
    )
    name = case.thread_name(owner.native_thread_id) if owner else None
    return [
        Evidence(
            Claim("named-verdict", verdict=liveness.reason, owner=ThreadName(name))
            if name
            else liveness.reason,
            block.start if block else None,
            None,
            suspect.address,
        )
    ]


def weaker(first: Confidence, second: Confidence) -> Confidence:
    return max(first, second, key=lambda c: c.rank)


def name_of(suspect: Suspect) -> str:
    """``a types.UnionType``, or ``an object`` where nothing says what it was."""
    kind = suspect.expected or suspect.actual_type
    return f"{'an' if kind and kind[0] in 'aeio' else 'a'} {kind}" if kind else "an object"
