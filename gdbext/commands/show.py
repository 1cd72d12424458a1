"""Pieces of text about one object that several commands show."""

from __future__ import annotations

from collections.abc import Iterable

from gdbext.commands.command import Context
from gdbext.cpython.objects.decoded import TRANSIENT, Reference, Violation
from gdbext.diagnosis.conclude.c_types import expected_by_dwarf
from gdbext.model import Evidence, Liveness, Verdict
from gdbext.reports.sanitize import visible
from gdbext.reports.text_parts import verdict_text
from gdbext.target.protocol import DebuggerError, MemoryFault
from gdbext.wording import sentence
from gdbext.wording.grammar import article
from gdbext.wording.slots import slot_label

BROKEN = "✗"
MAX_SLOTS = 40
MAX_EVIDENCE = 12
MAX_VIOLATIONS = 8


NOWHERE = {Verdict.NULL, Verdict.UNMAPPED, Verdict.MISALIGNED, Verdict.INTERIOR, Verdict.FOREIGN}
"""Where no object can be, nor can have been."""


def object_address(context: Context, expression: str) -> int:
    """The address that an argument means, of what is an object, or may have been one.

    Raises:
        DebuggerError: for an expression that has no value, and for an address where no object can
        be.
    """
    address = context.address(expression)
    session = context.session
    judged = session.heap.judge(address)
    if judged.verdict in NOWHERE and session.objects.type_of(address) is None:
        raise DebuggerError(
            f"{address:#x} is not an object: {visible(sentence(judged.reason))} "
            f"(`ft heap {address:#x}` says more)"
        )
    return address


def typed(context: Context, expression: str, address: int, expected: str) -> Liveness | None:
    """The headline of a command for objects of one type; None if that has said all there is to say.

    A variable whose C type is that of such objects says that code takes the address for one. The
    command alone is only what a person asked for: where another object lives, nothing need have
    been reused.
    """
    info = context.session.objects.type_of(address)
    liveness = context.session.heap.judge(address, expected)
    is_live = info is not None and liveness.verdict is Verdict.REUSED
    if info is None or not is_live or _declared(context, expression) == expected:
        return headline(context, address, expected)
    style = context.style
    name = style("type", visible(info.name, 80))
    context.write(
        f"{style('address', hex(address))}  a live {name}, not {article(expected)}: "
        f"`ft object {address:#x}` shows it\n"
    )
    return None


def _declared(context: Context, expression: str) -> str | None:
    """The Python type that a variable of the selected frame points to, by its C type."""
    debugger = context.debugger
    variables = debugger.variables(*debugger.selected())
    variable = next((each for each in variables if each.name == expression), None)
    return expected_by_dwarf(variable.type) if variable is not None else None


def headline(context: Context, address: int, expected: str | None = None) -> Liveness:
    """``0x…  types.UnionType  int | str   live proven`` and the evidence for it."""
    style, session = context.style, context.session
    liveness = session.heap.judge(address, expected)
    info = session.objects.type_of(address)
    parts = [style("address", hex(address))]
    if info is not None:
        parts.append(style("type", visible(info.name, 80)))
    elif expected:
        parts.append(style("error", f"{BROKEN} not {article(expected)}"))
    else:
        parts.append(style("error", f"{BROKEN} not an object"))
    if info is not None and not liveness.verdict.is_dead:
        parts.append(visible(text_of(context, address), 200))
    context.write("  ".join(parts) + "\n")
    verdict(context, liveness)
    if info is None and liveness.verdict not in NOWHERE:
        known = {claim.address for claim in liveness.evidence if claim.broken}
        # One claim for each word: of a wrong ob_type there is more than one thing to say.
        reasons = {
            claim.address: claim for claim in reversed(session.objects.why_not_object(address))
        }
        evidence(
            context, [claim for place, claim in reversed(reasons.items()) if place not in known]
        )
    return liveness


def verdict(context: Context, liveness: Liveness) -> None:
    """Whether it is alive, how sure that is, why, and the evidence."""
    style = context.style
    context.write(
        f"  {verdict_text(style, liveness.verdict)} {style('dim', str(liveness.confidence))}"
    )
    context.write(f"  {visible(sentence(liveness.reason))}\n" if liveness.reason else "\n")
    evidence(context, liveness.evidence)


def evidence(context: Context, claims: list[Evidence] | tuple[Evidence, ...]) -> None:
    """Claims, each with the address and value that a reader can check."""
    style = context.style
    for claim in list(claims)[:MAX_EVIDENCE]:
        where = f"  {style('address', hex(claim.address))}" if claim.address is not None else ""
        value = ""
        if isinstance(claim.value, int):
            value = f" = {style('address', hex(claim.value))}"
        elif claim.value is not None:
            value = f" = {visible(sentence(claim.value))}"
        sign = style("error", f"{BROKEN} ") if claim.broken else ""
        context.write(f"    {sign}{visible(sentence(claim.claim))}{where}{value}\n")
    if len(claims) > MAX_EVIDENCE:
        context.write(f"    … {len(claims) - MAX_EVIDENCE} more\n")


def header(context: Context, address: int) -> None:
    """The free-threaded object header in full."""
    style, session = context.style, context.session
    try:
        found = session.objects.header(address)
    except MemoryFault as fault:
        context.write(f"  {style('error', BROKEN)} {fault}\n")
        return
    count = (
        "immortal"
        if found.is_immortal
        else f"{found.refcount}: local {found.ref_local}, "
        f"shared {found.shared_count} ({found.shared_state})"
    )
    deferred = ", deferred" if found.is_deferred else ""
    context.write(f"  refcount {count}{deferred}\n")
    owner = session.runtime.by_tid(found.ob_tid)
    name = session.thread_name(owner.native_thread_id) if owner else None
    if owner:
        said = f'thread "{visible(name or "?")}" (LWP {owner.native_thread_id})'
    else:
        said = (
            "nobody: merged or immortal" if found.ob_tid == 0 else "no thread of this process now"
        )
    context.write(f"  owner    {style('address', hex(found.ob_tid))} {said}\n")
    context.write(
        f"  mutex    {found.mutex_state}   gc bits {', '.join(found.gc_names) or 'none'}\n"
    )


def fields(context: Context, address: int, expected: str | None = None) -> None:
    """The object's references with what each points to."""
    session = context.session
    if session.heap.judge(address, expected).verdict.is_dead:
        note = "its fields are not shown: the memory is not this object any more"
        context.write(f"  {context.style('dim', note)}\n")
        return
    for number, reference in enumerate(session.objects.children(address)):
        if number == MAX_SLOTS:
            context.write("  …\n")
            break
        slot(context, reference)


def slot(context: Context, reference: Reference) -> None:
    """One slot: its name, where it points, what is there; what has gone is marked."""
    style, session = context.style, context.session
    judged = session.heap.judge(reference.target)
    name = slot_label(reference.slot)
    if judged.verdict.is_dead or session.objects.type_of(reference.target) is None:
        what = style("error", f"{BROKEN} {judged.verdict}")
    else:
        what = visible(text_of(context, reference.target), 160)
    context.write(f"  {visible(name, 40):<12} {style('address', hex(reference.target))}  {what}\n")


def text_of(context: Context, address: int) -> str:
    """A bounded repr in which stale items are marked."""
    session = context.session
    return session.objects.repr(
        address, is_stale=lambda item: session.heap.judge(item).verdict.is_dead
    )


def violations(context: Context, liveness: Liveness, found: Iterable[Violation]) -> None:
    """Invariants that do not hold.

    Those of the header are left out: they are the headline's evidence.
    """
    style = context.style
    shown = [violation for violation in found if violation.slot != "header"]
    for broken in shown[:MAX_VIOLATIONS]:
        value = "" if broken.value is None else f"  {style('address', hex(broken.value))}"
        claim = visible(sentence(broken.claim))
        if broken.severity == TRANSIENT and not liveness.verdict.is_dead:
            note = style("dim", " (as while an operation is under way)")
            context.write(f"  {style('warning', claim)}{value}{note}\n")
        else:
            context.write(f"  {style('error', f'{BROKEN} {claim}')}{value}\n")
    if len(shown) > MAX_VIOLATIONS:
        context.write(f"  … {len(shown) - MAX_VIOLATIONS} more\n")
