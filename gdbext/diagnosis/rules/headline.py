"""What the first finding says besides its rule's own words: whose code the thread was in, the
object that it worked on, the GIL, and of old damage the race that it is likely to have come of.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from gdbext.diagnosis import registry
from gdbext.diagnosis.conclude.allocator_functions import is_in_allocator
from gdbext.diagnosis.conclude.author import authors_file, authors_frame
from gdbext.diagnosis.facts.accesses import Access
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.threads import Gil, GilSwitch
from gdbext.diagnosis.rule import Kind
from gdbext.model import (
    Argument,
    Claim,
    Confidence,
    Evidence,
    Finding,
    Foreign,
    Operation,
    Race,
    ThreadName,
)
from gdbext.target.cython import python_name

MOST_MODULES = 3


def told(facts: Facts, finding: Finding) -> Finding:
    """The headline with what is said of a crash whatever its rule."""
    finding = _with_gil(facts, _with_author(facts, finding))
    if (text := facts.fault.binding_message) is None:
        return finding
    said = Evidence(Claim("binding-said"), None, Foreign(text))
    return dataclasses.replace(finding, evidence=(said, *finding.evidence))


def _with_gil(facts: Facts, finding: Finding) -> Finding:
    """The headline with the GIL, where something has turned it on: who has it, and for whom."""
    gil = facts.process.gil
    if gil is None:
        return finding
    state = facts.process.by_lwp(gil.holder)
    name = ThreadName(state.name) if state is not None and state.name else None
    who = Claim("thread-by-name", lwp=gil.holder, name=name) if gil.holder is not None else None
    evidence = [Evidence(Claim("gil-is-on", holder=who), gil.address or None)]
    if (why := _turned_on(gil)) is not None:
        evidence.append(Evidence(why))
    return dataclasses.replace(finding, evidence=(*evidence, *finding.evidence))


def _turned_on(gil: Gil) -> Claim | None:
    """What turned the GIL on, as far as memory says; the modules that want it where it does not."""
    if gil.switch is GilSwitch.USER:
        return Claim("gil-on-by-user")
    if gil.switch is GilSwitch.IMPORT:
        return Claim("gil-on-for-import")
    if not gil.modules:
        return None
    others = gil.modules[1 : 1 + MOST_MODULES]
    if gil.switch is GilSwitch.MODULE:
        first, count = gil.modules[0], len(gil.modules) - 1
        return Claim("gil-on-by-module", module=first, others=others, count=count)
    return Claim("gil-wanted-by", modules=gil.modules[:MOST_MODULES])


def _with_author(facts: Facts, finding: Finding) -> Finding:
    """The headline with the extension's own function, where a helper's alone is in it; with its
    file, where it has no names.
    """
    frame = authors_frame(facts.stack) if facts.fault.is_crash else None
    if frame is None and facts.fault.is_crash and (path := authors_file(facts.stack)) is not None:
        file = os.path.basename(path)
        if _names(finding.title, file):
            return finding
        title = Claim("in-nameless-code", title=finding.title, file=file)
        return dataclasses.replace(finding, title=title)
    if frame is None or not frame.function or _names(finding.title, frame.function):
        return finding
    module = os.path.basename(frame.module or "").split(".")[0]
    title = Claim("in-extension", title=finding.title, function=frame.function, module=module)
    return dataclasses.replace(finding, title=title)


def _names(value: Argument, function: str) -> bool:
    """Whether a claim, or a part of one, has the function's name."""
    if isinstance(value, Claim):
        return any(_names(argument, function) for _, argument in value.arguments)
    if isinstance(value, Operation):
        return _names(value.name, function)
    if isinstance(value, tuple):
        return any(_names(part, function) for part in value)
    return isinstance(value, str) and python_name(value) == python_name(function)


def fault_first(
    facts: Facts, found: Sequence[Finding], race: Race | None, own: Access | None
) -> list[Finding]:
    """The findings with what the fault itself says before damage that it did not meet.

    The damage is another trace of the race then: the thread died elsewhere than in the allocator,
    in the code of the very object that it races on.
    """
    if not found or not registry.traits(found[0].rule).is_victim:
        return list(found)
    if not facts.fault.is_fault or is_in_allocator(facts.stack) or not _is_raced_on(race, own):
        return list(found)
    of_fault = next((f for f in found if _is_of_fault(f)), None)
    return list(found) if of_fault is None else [of_fault, *(f for f in found if f is not of_fault)]


def _is_of_fault(finding: Finding) -> bool:
    traits = registry.traits(finding.rule)
    is_cause = traits.kind is Kind.MEMORY and not traits.is_victim
    return is_cause and finding.confidence is not Confidence.POSSIBLE


def _is_raced_on(race: Race | None, own: Access | None) -> bool:
    """Whether the crashed thread's C code is at work on the object of a race that it takes part
    in.
    """
    if race is None or own is None or race.confidence is Confidence.POSSIBLE:
        return False
    takes_part = own.lwp in [thread.lwp for thread in race.threads]
    return takes_part and race.object.address == own.address


def with_object(facts: Facts, finding: Finding, race: Race | None, own: Access | None) -> Finding:
    """The headline with the object that its own words do not have.

    That is of the race that the thread is likely to take part in, if it is at work on another one
    than ``own``; of damage that was there before the crash, of which that says nothing, in any
    case.  Else it is ``own``, which the type's own code was at work on: where the thread was,
    whatever the cause.
    """
    traits = registry.traits(finding.rule)
    if not facts.fault.is_crash or traits.kind not in (Kind.MEMORY, Kind.PLAIN):
        return finding
    if race is not None and race.confidence is not Confidence.POSSIBLE:
        is_own = own is not None and race.object.address == own.address
        takes_part = facts.stack.lwp in [thread.lwp for thread in race.threads]
        if traits.is_victim:
            return _by_race(finding, race)
        if takes_part and not is_own:
            is_told = _is_about(finding, race.object.address, race.object.type)
            return finding if is_told else _by_race(finding, race)
    if own is None or traits.is_victim or _is_about(finding, own.address, own.type):
        return finding
    return _at_work(finding, own)


def _by_race(finding: Finding, race: Race) -> Finding:
    operations = tuple(thread.operation for thread in race.threads)
    of_race = Claim("operations-on", operations=operations, type=race.object.type)
    title = Claim("likely-by-race", title=finding.title, race=of_race)
    return dataclasses.replace(finding, title=title)


def _at_work(finding: Finding, own: Access) -> Finding:
    function = own.c_function
    # What Argument Clinic makes of one function in the source has that function's name.
    if function is not None and _names(finding.title, function.removesuffix("_impl")):
        function = None
    title = Claim("at-work-on", title=finding.title, function=function, type=own.type)
    works = Evidence(Claim("works-on", type=own.type), own.address)
    return dataclasses.replace(finding, title=title, evidence=(works, *finding.evidence))


def _is_about(finding: Finding, address: int, type_name: str) -> bool:
    """Whether the finding has the object already, or one of its type."""
    places = [place for place in (finding.container, finding.subject) if place is not None]
    return any(place.address == address for place in places) or _names(finding.title, type_name)
