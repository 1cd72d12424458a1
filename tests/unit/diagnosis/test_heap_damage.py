"""FT105: in a process that did not crash only an endless list; else what the fault
shows of damage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.facts.cause import Cause
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CFrame, FrameVariable
from gdbext.diagnosis.facts.memory import BlockUser, HeapDamage, HeapState, Lead
from gdbext.diagnosis.facts.provenance import Provenance
from gdbext.diagnosis.observe import heap_state
from gdbext.diagnosis.observe.heap_state import read_heap_state
from gdbext.diagnosis.observe.notes import ignore
from gdbext.diagnosis.observe.stack import Functions
from gdbext.diagnosis.rules import ft105_heap_damage
from gdbext.diagnosis.rules.apply import victim_reason, with_races
from gdbext.model import Confidence, Race, RaceThread, SharedObject
from gdbext.session import Session
from gdbext.target.protocol import NativeFrame, Variable
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    EXTENSION,
    GC,
    MEM,
    PYTHON,
    SELF,
    TAKEN,
    FakePage,
    HeapWorld,
    facts_of,
    segfault,
    session_of,
    stack_of,
)

WALKING = ("mi_heap_visit_blocks", "gc_visit_heaps", "gc_collect_main")
COMPUTING = ("list_append", "_PyEval_EvalFrameDefault")
TEXT = 0x7878_7878_7878_7878


def frames(functions: tuple[str, ...]) -> list[NativeFrame]:
    return [NativeFrame(n, 0x1000, 0x7000, name) for n, name in enumerate(functions)]


def with_freed(world: HeapWorld, thread: int = 0) -> FakePage:
    """A page with three blocks that were freed."""
    page = world.page(GC, 64, thread=thread)
    for block in [page.object("list") for _ in range(3)]:
        page.free(block)
    return page


def tie(page: FakePage) -> None:
    """Let the last of the freed blocks lead back to the first."""
    freed = page.lists["local_free"]
    page.world.memory.write_word(freed[-1], freed[0])


def cut(page: FakePage) -> None:
    """Let something write over the last link."""
    page.world.memory.write_word(page.lists["local_free"][-1], TEXT)


def stopped(
    functions: tuple[str, ...], damage: Callable[[FakePage], None]
) -> tuple[HeapDamage, ...]:
    """What is found in a process that did not crash, whose thread is in those functions."""
    world = HeapWorld()
    page = with_freed(world)
    thread = world.threads[0]
    session = session_of(world)
    damage(page)
    debugger = session.debugger
    assert isinstance(debugger, FakeDebugger)
    debugger.frame_lists[thread.native_thread_id] = frames(functions)
    state = read_heap_state(
        session, Functions(session), Fault(signal=None), stack_of(lwp=None), Cause(), ignore
    )
    return state.damages


def test_a_collection_that_walks_a_cycle_never_ends() -> None:
    [damage] = stopped(WALKING, tie)
    facts = Facts(
        fault=Fault(signal=None), stack=stack_of(lwp=None), heap=HeapState(damages=(damage,))
    )
    [found] = ft105_heap_damage.check(facts)
    assert (found.rule, found.confidence) == ("FT105", Confidence.PROVEN)
    assert "deallocator that runs twice" in found.advice


def test_a_process_that_may_be_in_the_middle_of_something_is_not_accused() -> None:
    assert not stopped(COMPUTING, tie)
    assert not stopped(WALKING, cut)


# --- in a process that crashed --------------------------------------------------------------------


def in_function(function: str, base: int, *, world: HeapWorld | None = None) -> Facts:
    """A crash in a function of the allocator, or another's, that went through a word; no list is
    damaged.
    """
    frame = NativeFrame(0, 0x1000, 0x7000, function)
    return facts_of(world or HeapWorld(), fault=segfault(base), stack=stack_of(frame))


@pytest.mark.parametrize("function", ["mi_free", "_mi_page_malloc", "mi_heap_visit_blocks"])
def test_a_word_that_the_allocator_met_and_that_is_not_a_block_was_written_over_a_link(
    function: str,
) -> None:
    [found] = ft105_heap_damage.check(in_function(function, TEXT))
    assert (found.rule, found.confidence) == ("FT105", Confidence.LIKELY)
    assert f"{function} followed the free-list link {TEXT:#x}, which is not a block" in sentence(
        found.title
    )
    assert (found.evidence[0].value, found.evidence[0].broken) == (TEXT, True)


def test_a_fault_in_the_allocator_on_a_block_of_its_own_says_nothing() -> None:
    world = HeapWorld()
    block = world.page(GC, 64).take()
    assert not list(ft105_heap_damage.check(in_function("mi_free", block, world=world)))


def test_null_was_never_a_link() -> None:
    assert not list(ft105_heap_damage.check(in_function("mi_heap_malloc", 0)))


def test_another_functions_bad_pointer_is_not_damage_of_the_heap() -> None:
    assert not list(ft105_heap_damage.check(in_function("shape_area", TEXT)))


def overrun(world: HeapWorld, page: FakePage) -> int:
    """The data of a new block, whose guard bytes behind its 40 bytes were written over."""
    block = page.take()
    page.guard(block, size=40)
    world.memory.write(block + page.before + 40, b"x" * 8)
    return block + page.before


def behind_an_overrun(world: HeapWorld, **header: int) -> int:
    page = world.page(GC, 128)
    overrun(world, page)
    lst = page.object("list")
    world.set("PyObject", lst, **header)
    return lst


def test_the_block_before_an_object_that_was_written_over_is_reported() -> None:
    world = HeapWorld("3.13.5", "debug")
    [found] = ft105_heap_damage.check(facts_of(world, behind_an_overrun(world, ob_type=TEXT)))
    assert (found.rule, found.confidence) == ("FT105", Confidence.PROVEN)
    assert "past its 40 bytes" in sentence(found.title)


def test_the_block_before_the_array_that_a_word_was_read_from_is_reported() -> None:
    world = HeapWorld("3.13.5", "debug")
    lst, page = behind_an_overrun(world), world.page(MEM, 128)
    lead, block = overrun(world, page), page.take()
    page.guard(block)
    array = block + page.before
    world.memory.write(array, world.objects_world.words(1, TEXT))
    world.set("PyListObject", lst, ob_size=1, ob_item=array + 8, allocated=1)
    came_from = Provenance(
        holder=lst,
        type="list",
        slot=0,
        current=True,
        length=1,
        function="list_repr",
        level=1,
        adjacent=True,
    )
    [found] = ft105_heap_damage.check(facts_of(world, TEXT, use=SELF, provenance=came_from))
    assert found.subject is not None
    assert found.subject.address == lead


def test_the_neighbour_of_a_sound_object_has_done_it_no_harm() -> None:
    world = HeapWorld("3.13.5", "debug")
    use = replace(TAKEN, expected="list")
    assert not list(ft105_heap_damage.check(facts_of(world, behind_an_overrun(world), use=use)))


# --- who has the block right now ------------------------------------------------------------------


def written_past(world: HeapWorld) -> tuple[Session, int]:
    """A free list whose link was written over from the block before it, and that block."""
    page = world.page(MEM, 64)
    block, freed, last = page.take(), page.take(), page.take()
    page.free(last)
    page.free(freed)
    session = session_of(world)
    world.memory.write(block, TEXT.to_bytes(8, "little") * 9)
    return session, block


def dying(session: Session) -> HeapState:
    """What is read of the heap when the first thread died in the allocator."""
    frame = NativeFrame(0, 0x1000, 0x7000, "mi_heap_malloc")
    fault = segfault(TEXT)
    return read_heap_state(session, Functions(session), fault, stack_of(frame), Cause(), ignore)


def at_work(session: Session, lwp: int, *variables: Variable, **registers: int) -> None:
    """Let a thread be in a function of an extension, below an eval loop that has the block, too."""
    debugger = session.debugger
    assert isinstance(debugger, FakeDebugger)
    debugger.frame_lists[lwp] = [
        NativeFrame(0, 0x1000, 0x7000, "clock_nanosleep", module="/lib/libc.so.6"),
        NativeFrame(1, 0x2000, 0x7100, "write_cell", module=EXTENSION),
        NativeFrame(2, 0x3000, 0x7200, "_PyEval_EvalFrameDefault", module=PYTHON),
        NativeFrame(3, 0x4000, 0x7300, "outer", module=EXTENSION),
    ]
    debugger.variable_lists[lwp, 1] = list(variables)
    debugger.register_sets[lwp, 1] = registers


def users_of(*variables: Variable, **registers: int) -> list[BlockUser]:
    """Who has the block, where those of another thread's are relative to it."""
    world = HeapWorld()
    session, block = written_past(world)
    moved = [replace(v, value=v.value + block if v.value is not None else None) for v in variables]
    other = world.threads[1].native_thread_id
    at_work(session, other, *moved, **{name: value + block for name, value in registers.items()})
    [damage] = dying(session).damages
    assert all((user.lwp, user.block) == (other, block) for user in damage.users)
    return list(damage.users)


def test_an_argument_of_another_thread_leads_into_the_block() -> None:
    [user] = users_of(Variable("size", "int", 4096), Variable("cell", "char *", 8))
    assert (user.level, user.function, user.variable) == (1, "write_cell", "cell")


def test_without_variables_a_register_that_calls_preserve_does() -> None:
    [user] = users_of(rbx=16, rdi=0)
    assert user.variable == "rbx"
    assert users_of(rdi=0) == []


def test_what_only_lies_near_the_block_is_not_a_use_of_it() -> None:
    assert users_of(Variable("cell", "char *", -8), Variable("end", "char *", 4096)) == []
    assert users_of(Variable("lost", "char *", None, "optimized out")) == []
    assert users_of(Variable("table", "char [8]", 0, is_address=True)) == []


@pytest.mark.parametrize("leads_there", [True, False])
def test_the_damaged_block_is_that_of_the_object_whose_code_met_it(leads_there: bool) -> None:
    world = HeapWorld()
    session, block = written_past(world)
    owner = world.page(GC, 64).object("float")
    world.memory.write_word(owner + 0x20, block + 64 if leads_there else 0x1230)
    frame = NativeFrame(0, 0x1000, 0x7000, "mi_heap_malloc")
    me = FrameVariable("self", "Shelf *", owner, is_argument=True, is_object=True)
    stack = stack_of(frame, c_frames=[CFrame(frame, (me,))])
    functions, fault = Functions(session), segfault(TEXT)
    [damage] = read_heap_state(session, functions, fault, stack, Cause(), ignore).damages
    assert damage.lead == (Lead(holder=owner, type="float") if leads_there else None)


def test_the_finding_says_whose_the_damaged_block_is() -> None:
    session, _ = written_past(HeapWorld())
    [damage] = dying(session).damages
    lead = Lead(holder=0x2000, type="shelf.Shelf", field="items")
    heap = HeapState(damages=(replace(damage, lead=lead),))
    [found] = ft105_heap_damage.check(Facts(fault=segfault(TEXT), stack=stack_of(), heap=heap))
    assert "corrupted: items of a shelf.Shelf: a free list of" in sentence(found.title)
    assert found.evidence[0].address == 0x2000


def test_the_finding_names_the_thread_and_what_to_look_at() -> None:
    world = HeapWorld()
    session, block = written_past(world)
    other = world.threads[1].native_thread_id
    at_work(session, other, Variable("cell", "char *", block))
    facts = Facts(fault=segfault(TEXT), stack=stack_of(), heap=dying(session))
    [found] = ft105_heap_damage.check(facts)
    assert found.threads == (facts.stack.lwp, other)
    assert found.advice.startswith("Look first at the code that has the block right now")
    said = [sentence(evidence.claim) for evidence in found.evidence]
    assert f"LWP {other} has the block {block:#x} right now: `cell` of #1 write_cell" in said


@pytest.mark.parametrize("confidence", [Confidence.LIKELY, Confidence.PROVEN])
def test_the_advice_is_about_a_race_that_is_likely(confidence: Confidence) -> None:
    facts = in_function("mi_heap_malloc", TEXT)
    race = Race(
        confidence,
        SharedObject(0x1000, "list"),
        tuple(RaceThread(lwp=lwp, name=None, operation="append") for lwp in (500, 501)),
    )
    damage = list(ft105_heap_damage.check(facts))
    [told, _race] = with_races(facts, damage, [race])
    assert told.advice.startswith("Guard the object with a lock")
    assert told.advice.endswith(damage[0].advice)
    [told, _race] = with_races(facts, damage, [replace(race, confidence=Confidence.POSSIBLE)])
    assert told.advice == damage[0].advice


# --- the walk over the heap -----------------------------------------------------------------------


def walked(world: HeapWorld, lwp: int) -> tuple[list[int], list[str]]:
    """The first damaged blocks in the order in which they are found, and what the report says."""
    notes: list[str] = []
    heap = world.heap()
    for page in world.pages:
        tie(page)
    found = heap_state.damages(heap, lwp, lambda section, reason: notes.append(str(reason)))
    return [c.damage.page.start for c in found if c.damage], notes


def two_threads() -> tuple[HeapWorld, list[FakePage]]:
    """Each thread has a page with freed blocks."""
    world = HeapWorld()
    return world, [with_freed(world, thread) for thread in (0, 1)]


def test_the_crashed_threads_pages_come_first() -> None:
    world, pages = two_threads()
    for position, thread in enumerate(world.threads):
        found, notes = walked(world, thread.native_thread_id)
        assert found[0] == pages[position].start
        assert {*found} == {page.start for page in pages}
        assert not notes


def test_what_was_not_walked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    world, pages = two_threads()
    said = [
        "1 of 2 pages with free blocks were searched for damaged lists; `ft scan` searches them all"
    ]
    monkeypatch.setattr(heap_state, "MAX_PAGES", 1)
    found, notes = walked(world, world.threads[0].native_thread_id)
    assert ({*found}, notes) == ({pages[0].start}, said)
    monkeypatch.setattr(heap_state, "MAX_PAGES", 2)
    assert walked(world, world.threads[0].native_thread_id)[1] == []


# --- who did it -----------------------------------------------------------------------------------


def test_damage_is_proven_but_not_that_the_crashed_thread_did_none_of_it() -> None:
    [damage] = stopped(WALKING, tie)
    world = HeapWorld()
    facts = replace(facts_of(world), heap=HeapState(damages=(damage,)))
    found = list(ft105_heap_damage.check(facts))
    assert found[0].confidence is Confidence.PROVEN
    reason = victim_reason(facts, found, ())
    assert reason
    assert reason[1] is Confidence.LIKELY
    crashed = facts.stack.lwp
    assert crashed is not None
    race = Race(
        confidence=Confidence.LIKELY,
        object=SharedObject(address=0x1000, type="list"),
        threads=tuple(
            RaceThread(lwp=lwp, name=None, operation="append") for lwp in (crashed, crashed + 1)
        ),
    )
    assert victim_reason(facts, found, (race,)) is None


@pytest.mark.parametrize(
    ("module", "level", "may_be_cause"),
    [(EXTENSION, 0, True), (EXTENSION, 1, False), (PYTHON, 0, False)],
    ids=["its own block", "another function's", "CPython's own code"],
)
def test_an_extension_that_gives_back_the_overrun_buffer_may_have_written_it(
    module: str, level: int, may_be_cause: bool
) -> None:
    """``b = PyMem_Malloc(n); memset(b, 'A', n + 24); PyMem_Free(b)`` dies in the last of these."""
    [damage] = stopped(WALKING, tie)
    world = HeapWorld()
    facts = facts_of(world, module=module)
    author = facts.stack.from_fault[0].level
    user = BlockUser(
        lwp=facts.stack.lwp or 0,
        name=None,
        block=0x1000,
        level=author + level,
        function="label",
        variable="b",
    )
    facts = replace(facts, heap=HeapState(damages=(replace(damage, users=(user,)),)))
    found = list(ft105_heap_damage.check(facts))
    assert (victim_reason(facts, found, ()) is None) == may_be_cause
