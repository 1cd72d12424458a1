"""Who still has a pointer to an object that is gone, where no C frame shows where the crashed code had it from.

A container counts a reference for each of its items.  One that still holds an object which was freed all the same proves that
somebody dropped a reference that was not theirs.  It is told of where the program itself has the container, under some name or
in another object; a tuple that C code made to pass arguments, or keeps to use again, is no container of the program's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gdbext.cpython.allocator.debug_hooks import fill_of
from gdbext.cpython.allocator.holders import Holder
from gdbext.cpython.interpreter.names import cell_content
from gdbext.cpython.traits.types import canonical, container_fields, namespace_fields
from gdbext.diagnosis import containers
from gdbext.diagnosis.code_owners import is_system
from gdbext.diagnosis.origin import CONTAINERS, Origin
from gdbext.model import AttributeSlot, Evidence, ValueSlot, Verdict
from gdbext.wording.slots import subscript

if TYPE_CHECKING:
    from gdbext.diagnosis.case import Case
    from gdbext.diagnosis.suspects import Suspect

GONE = frozenset({Verdict.FREED, Verdict.CACHED, Verdict.PENDING_FREE, Verdict.POISONED})
"""Nothing else lives there yet.  In memory that was used again a pointer may be the new object's."""
MAX_CANDIDATES = 16
MAX_TOLD = 3
MAX_FRAMES = 64
NAMESPACES = namespace_fields()


@dataclass(frozen=True)
class Held:
    """``container`` is the program's container that still has the pointer; ``others`` says who else has it."""

    container: Origin | None = None
    others: tuple[Evidence, ...] = ()


def find_holders(case: Case, suspect: Suspect) -> Held:
    """Search the heap for living objects, and modules' data, that still have the suspect's address."""
    if suspect.liveness.verdict not in GONE or fill_of(suspect.address) is not None:
        return Held()
    found = case.session.heap.holders(suspect.address)
    if found is None:
        return Held()
    holders = list({holder.address: holder for holder in reversed(found)}.values())[::-1][
        :MAX_CANDIDATES
    ]
    named = _names(case, [holder.address for holder in holders]) if holders else {}
    shown = {} if named else _shown(case, holders)
    namespaces = {holder.address for holder in holders if _is_namespace(case, holder, shown)}
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
    # What has a name comes first, in the order of the names: the crashed thread's innermost frame has the first.
    order = {address: number for number, address in enumerate(named)}
    candidates.sort(key=lambda holder: order.get(holder.address, len(order)))
    # A tuple that nothing shows may be the arguments of a call.
    told = [
        h for h in holders if h not in candidates and (_kind(h) != "tuple" or h.address in named)
    ]
    others = [
        _told(case, holder, holder.address in namespaces, named)
        for holder in [*candidates[1:], *told]
    ]
    others += _in_modules(case, suspect.address)
    container = (
        _origin(case, suspect, candidates[0], named.get(candidates[0].address))
        if candidates
        else None
    )
    return Held(container, tuple(others[:MAX_TOLD]))


def _origin(case: Case, suspect: Suspect, holder: Holder, name: str | None) -> Origin:
    kind = _kind(holder)
    use = next((u for u in suspect.uses if u.is_self), suspect.innermost)
    evidence = [
        Evidence(
            f"{kind} {holder.address:#x} still holds the pointer", holder.place, suspect.address
        )
    ]
    if name:
        evidence.append(Evidence(f"the {kind} is {name}", None, None, holder.address))
    claim = f"the {kind}'s own reference counts: the object was freed because somebody dropped one that was not theirs"
    evidence.append(Evidence(claim, None, None, holder.address))
    length = containers.length(case.session.objects, holder.address)
    return Origin(
        holder.address,
        kind,
        holder.slot,
        True,
        length,
        None,
        use.level,
        False,
        tuple(evidence),
        True,
    )


def _kind(holder: Holder) -> str:
    return canonical(holder.type) or holder.type


def _names(case: Case, addresses: Sequence[int]) -> dict[int, str]:
    """What the program calls the objects: locals and globals of Python frames, the crashed thread's innermost first."""
    objects = case.session.objects
    wanted = set(addresses)
    found: dict[int, str] = {}
    searched: set[int] = set()
    for thread in sorted(case.native_threads, key=lambda thread: thread.lwp != case.lwp):
        for frame in case.python_stack(thread.lwp).frames[:MAX_FRAMES]:
            for name, value in frame.slots.items():
                content = cell_content(objects, value) if value else None
                if content in wanted and content is not None:
                    found.setdefault(content, f"`{name}` in {frame.function}")
            if frame.globals and frame.globals not in searched:
                searched.add(frame.globals)
                for key, value in objects.dict_items(frame.globals):
                    if value in wanted:
                        found.setdefault(value, f"the global `{objects.text(key)}`")
    return found


def _shown(case: Case, holders: Sequence[Holder]) -> Mapping[int, list[Holder]]:
    """The objects that have the holders themselves, by holder; as far as needed to tell whether the program has them."""
    shown: dict[int, list[Holder]] = {}
    left = [holder.address for holder in holders if _kind(holder) in CONTAINERS]
    for in_arrays in (False, True):
        for other in (case.session.heap.holders(*left, in_arrays=in_arrays) or ()) if left else ():
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


def _is_namespace(case: Case, holder: Holder, shown: Mapping[int, list[Holder]]) -> bool:
    if any(other.slot in NAMESPACES for other in shown.get(holder.address, ())):
        return True
    objects = case.session.objects
    return _kind(holder) == "dict" and all(
        objects.dict_get_str(holder.address, key) for key in ("__name__", "__spec__")
    )


def _told(case: Case, holder: Holder, is_namespace: bool, named: Mapping[int, str]) -> Evidence:
    """``still held by [0] of list 0x… (the global `rows`)``, ``still the value of `window` in __main__``."""
    if is_namespace:
        objects = case.session.objects
        name = str(holder.slot.key) if isinstance(holder.slot, ValueSlot) else str(holder.slot)
        module = objects.dict_get_str(holder.address, "__name__") or objects.dict_get_str(
            holder.address, "__module__"
        )
        where = (objects.text(module) if module else None) or f"dict {holder.address:#x}"
        return Evidence(f"still the value of `{name}` in {where}", holder.place, holder.target)
    slot = subscript(holder.slot)
    name = f" ({named[holder.address]})" if holder.address in named else ""
    return Evidence(
        f"still held by {slot} of {_kind(holder)} {holder.address:#x}{name}",
        holder.place,
        holder.target,
    )


def _in_modules(case: Case, address: int) -> Iterator[Evidence]:
    """Named C variables of extension modules; the interpreter's own caches and freelists may name what is dead."""
    places = case.session.heap.records.places
    for place in case.session.heap.in_modules(address):
        path = places.module(place)
        if path is None or path == case.interpreter_module or is_system(path):
            continue
        symbol = case.session.debugger.symbol_at(place)
        # A word that no variable is known for may be a leftover in memory that only follows the file's.
        if symbol is None or not place < symbol.address + symbol.size:
            continue
        claim = f"still referred to by `{symbol.name}` in the data of {path.rpartition('/')[2]}"
        yield Evidence(claim, place, address)
