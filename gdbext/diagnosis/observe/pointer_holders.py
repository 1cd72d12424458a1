"""Who still has a pointer to an object that is gone, where no C frame shows where it came from.

A container counts a reference for each of its items.  One that still holds an object which was
freed all the same proves that somebody dropped a reference that was not theirs.  It is reported
where the program itself has the container, under some name or in another object; a tuple that C
code made to pass arguments, or keeps to use again, is not a container of the program's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gdbext.cpython.allocator.pointer_holders import Holder
from gdbext.cpython.fills import fill_of
from gdbext.cpython.interpreter.names import cell_content
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.types import canonical, container_fields, namespace_fields
from gdbext.diagnosis.conclude.code_owners import is_system
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.provenance import Holders, Provenance
from gdbext.diagnosis.facts.types import CONTAINERS
from gdbext.diagnosis.observe import containers
from gdbext.model import Address, AttributeSlot, Claim, Evidence, ValueSlot, Verdict
from gdbext.session import Session

GONE = frozenset({Verdict.FREED, Verdict.CACHED, Verdict.PENDING_FREE, Verdict.POISONED})
"""Nothing else lives there yet.

In memory that was used again a pointer may be the new object's.
"""
MAX_CANDIDATES = 16
MAX_OTHERS = 3
MAX_FRAMES = 64
NAMESPACES = namespace_fields()


def find_holders(session: Session, stack: CrashStack, gone: Pointer) -> Holders:
    """Search the heap for living objects, and modules' data, that still have the pointer."""
    if gone.verdict not in GONE or fill_of(gone.address) is not None:
        return Holders()
    found = session.heap.holders(gone.address)
    if found is None:
        return Holders()
    holders = list({holder.address: holder for holder in reversed(found)}.values())[::-1][
        :MAX_CANDIDATES
    ]
    named = _names(session, stack, [holder.address for holder in holders]) if holders else {}
    shown = {} if named else _shown(session, holders)
    namespaces = {
        holder.address for holder in holders if _is_namespace(session.objects, holder, shown)
    }
    candidates = [
        holder
        for holder in holders
        if _kind(holder) in CONTAINERS
        and holder.address not in namespaces
        and (
            holder.address in named
            or any(_is_visible(other) for other in shown.get(holder.address, ()))
        )
    ]
    # What has a name comes first, in the order of the names: the crashed thread's innermost frame
    # has the first.
    order = {address: number for number, address in enumerate(named)}
    candidates.sort(key=lambda holder: order.get(holder.address, len(order)))
    # A tuple that nothing shows may be the arguments of a call.
    further = [
        h for h in holders if h not in candidates and (_kind(h) != "tuple" or h.address in named)
    ]
    others = [
        _holds(session.objects, holder, holder.address in namespaces, named)
        for holder in [*candidates[1:], *further]
    ]
    others += _in_modules(session, stack, gone.address)
    container = (
        _provenance(session.objects, gone, candidates[0], named.get(candidates[0].address))
        if candidates
        else None
    )
    return Holders(container=container, others=tuple(others[:MAX_OTHERS]))


def _provenance(objects: Objects, gone: Pointer, holder: Holder, name: Claim | None) -> Provenance:
    kind = _kind(holder)
    claim = Claim("still-holds", type=kind, holder=Address(holder.address))
    evidence = [Evidence(claim, holder.place, gone.address, holder.address)]
    if name:
        evidence.append(
            Evidence(Claim("is-named", type=kind, name=name), None, None, holder.address)
        )
    claim = Claim("reference-counts", type=kind)
    evidence.append(Evidence(claim, None, None, holder.address))
    return Provenance(
        holder=holder.address,
        type=kind,
        slot=holder.slot,
        current=True,
        length=containers.length(objects, holder.address),
        function=None,
        level=gone.main_use.level,
        adjacent=False,
        evidence=tuple(evidence),
        was_searched=True,
    )


def _kind(holder: Holder) -> str:
    return canonical(holder.type) or holder.type


def _names(session: Session, stack: CrashStack, addresses: Sequence[int]) -> dict[int, Claim]:
    """What the program calls the objects: locals and globals of Python frames.

    The crashed thread's innermost frame comes first.
    """
    objects = session.objects
    wanted = set(addresses)
    found: dict[int, Claim] = {}
    searched: set[int] = set()
    for thread in sorted(session.debugger.threads(), key=lambda t: t.lwp != stack.lwp):
        for frame in session.python_stack(thread.lwp).frames[:MAX_FRAMES]:
            for name, value in frame.slots.items():
                content = cell_content(objects, value) if value else None
                if content in wanted and content is not None:
                    claim = Claim("local-variable", name=name, function=frame.function)
                    found.setdefault(content, claim)
            if frame.globals and frame.globals not in searched:
                searched.add(frame.globals)
                for key, value in objects.dict_items(frame.globals):
                    if value in wanted:
                        found.setdefault(value, Claim("global-variable", name=objects.text(key)))
    return found


def _shown(session: Session, holders: Sequence[Holder]) -> Mapping[int, list[Holder]]:
    """The objects that have the holders themselves, by holder.

    As far as needed to say whether the program has them.
    """
    shown: dict[int, list[Holder]] = {}
    left = [holder.address for holder in holders if _kind(holder) in CONTAINERS]
    for in_arrays in (False, True):
        others = session.heap.holders(*left, in_arrays=in_arrays) if left else None
        for other in others or ():
            if other.address != other.target:
                shown.setdefault(other.target, []).append(other)
        left = [
            a
            for a in left
            if not any(_is_visible(other) or other.slot in NAMESPACES for other in shown.get(a, ()))
        ]
    return shown


def _is_visible(holder: Holder) -> bool:
    """Whether Python code reaches what the object has there."""
    is_attribute = isinstance(holder.slot, AttributeSlot)
    return _kind(holder) in CONTAINERS or is_attribute or holder.slot in container_fields()


def _is_namespace(objects: Objects, holder: Holder, shown: Mapping[int, list[Holder]]) -> bool:
    if any(other.slot in NAMESPACES for other in shown.get(holder.address, ())):
        return True
    return _kind(holder) == "dict" and all(
        objects.dict_get_str(holder.address, key) for key in ("__name__", "__spec__")
    )


def _holds(
    objects: Objects, holder: Holder, is_namespace: bool, named: Mapping[int, Claim]
) -> Evidence:
    """What the holder is to the program.

    ``still held by [0] of list 0x… (the global `rows`)``, ``still the value of `window` in
    __main__``.
    """
    if is_namespace:
        name = str(holder.slot.key) if isinstance(holder.slot, ValueSlot) else str(holder.slot)
        module = objects.dict_get_str(holder.address, "__name__") or objects.dict_get_str(
            holder.address, "__module__"
        )
        where = objects.text(module) if module else None
        claim = Claim("value-of-variable", name=name, module=where, dict=Address(holder.address))
        return Evidence(claim, holder.place, holder.target)
    claim = Claim(
        "still-held",
        subscript=holder.slot,
        type=_kind(holder),
        holder=Address(holder.address),
        name=named.get(holder.address),
    )
    return Evidence(claim, holder.place, holder.target)


def _in_modules(session: Session, stack: CrashStack, address: int) -> Iterator[Evidence]:
    """Named C variables of extension modules; the interpreter's own caches and freelists may name
    what is dead.
    """
    places = session.heap.records.places
    for place in session.heap.in_modules(address):
        path = places.module(place)
        if path is None or path == stack.interpreter_module or is_system(path):
            continue
        symbol = session.debugger.symbol_at(place)
        # A word that no variable is known for may be a leftover in memory that only follows the
        # file's.
        if symbol is None or not place < symbol.address + symbol.size:
            continue
        claim = Claim("referred-to-by", variable=symbol.name, file=path.rpartition("/")[2])
        yield Evidence(claim, place, address)
