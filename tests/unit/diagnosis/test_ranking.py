"""Which of the objects that two threads touch is the suspect, and which of a thread's operations
count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.conclude.accesses import merged
from gdbext.diagnosis.conclude.candidates import candidate
from gdbext.diagnosis.conclude.own_objects import is_unshared, levels_of_unshared
from gdbext.diagnosis.conclude.race_pairs import ranked_pairs
from gdbext.diagnosis.conclude.races import find_races
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.facts.doubts import RaceDoubts
from gdbext.diagnosis.observe.bytecode_effects import effect_of, effect_on_argument
from gdbext.model import (
    Claim,
    Confidence,
    Container,
    Finding,
    Operation,
    OperationKind,
    Subject,
    Verdict,
)
from unit.diagnosis.words import operation


def access(
    lwp: int,
    address: int,
    type_name: str,
    done: str,
    effect: Effect,
    proximity: Proximity,
    line: int,
    operation_line: int | None = None,
    is_guarded: bool = False,
    own_level: int | None = None,
) -> Access:
    """One of a function in ``a.py``; ``operation_line`` is the current line, as a rule."""
    return Access(
        lwp=lwp,
        address=address,
        type=type_name,
        operation=operation(done),
        effect=effect,
        proximity=proximity,
        file="a.py",
        line=line,
        operation_line=operation_line or line,
        is_guarded=is_guarded,
        own_level=own_level,
    )


READ = access(1, 0x1000, "array.array", "getitem", Effect.READ, Proximity.AT, 3)
RESIZE = access(2, 0x1000, "array.array", "clear", Effect.RESIZE, Proximity.LOOP, 9, 8)


def by_thread(accesses: Sequence[Access]) -> dict[int, tuple[Access, ...]]:
    lwps = dict.fromkeys(a.lwp for a in accesses)
    return {lwp: tuple(a for a in accesses if a.lwp == lwp) for lwp in lwps}


def pairs(
    *accesses: Access, crashed: int | None = None
) -> list[tuple[int, str | None, str | None]]:
    ranked = ranked_pairs(Accesses(crashed=crashed), by_thread(accesses))
    return [(p.address, p.first.operation.verb, p.second.operation.verb) for p in ranked]


def stopped(*accesses: Access, crashed: int = 1, **parts: object) -> Accesses:
    threads = tuple(
        ThreadAccesses(lwp=lwp, name=f"t{lwp}", nearest=each, by_code=each)
        for lwp, each in by_thread(accesses).items()
    )
    return Accesses(crashed=crashed, threads=threads, **parts)  # type: ignore[arg-type]  # fields by name


def test_a_reader_and_a_writer() -> None:
    assert pairs(READ, RESIZE) == [(0x1000, "getitem", "clear")]


def test_readers_alone_are_suspects_only_where_nothing_guards_the_object() -> None:
    other = replace(READ, lwp=2)
    assert pairs(READ, other) == [(0x1000, "getitem", "getitem")]
    assert pairs(READ, replace(other, is_guarded=True)) == []
    assert (
        pairs(replace(READ, proximity=Proximity.LOOP), replace(other, proximity=Proximity.LOOP))
        == []
    )


def test_who_calls_a_function_that_another_thread_changes_races_with_that() -> None:
    """All threads call functions: that alone is nothing."""
    calls = access(1, 0x1000, "function", "call", Effect.READ, Proximity.AT, 3)
    sets = access(2, 0x1000, "function", "setattr:__kwdefaults__", Effect.WRITE, Proximity.AT, 9)
    assert pairs(calls, sets) == [(0x1000, "call", "setattr")]
    assert pairs(calls, replace(calls, lwp=2)) == []
    assert pairs(calls, replace(sets, is_guarded=True)) == []


def test_an_object_that_both_threads_lock_comes_after_one_that_nothing_guards() -> None:
    guarded = [
        access(lwp, 0x2000, "list", "append", Effect.RESIZE, Proximity.AT, 4, 4, is_guarded=True)
        for lwp in (1, 2)
    ]
    assert next(pair[0] for pair in pairs(READ, RESIZE, *guarded)) == 0x1000
    assert (
        next(
            pair[0]
            for pair in pairs(READ, RESIZE, *(replace(t, is_guarded=False) for t in guarded))
        )
        == 0x2000
    )


def test_another_operation_makes_the_better_opponent_unless_it_is_far_off() -> None:
    writers = [replace(RESIZE, lwp=lwp, proximity=Proximity.AT) for lwp in (2, 3)]
    reader = replace(READ, proximity=Proximity.LOOP)
    assert pairs(reader, *writers) == [(0x1000, "getitem", "clear")]
    assert pairs(replace(reader, proximity=Proximity.FUNCTION), *writers) == [
        (0x1000, "clear", "clear")
    ]


def test_of_operations_that_are_over_the_last_counts() -> None:
    append, clear, later = (
        access(1, 0x1000, "list", done, Effect.RESIZE, Proximity.FUNCTION, 9, line)
        for done, line in (("append", 3), ("clear", 7), ("extend", 12))
    )
    assert merged([append, clear, later], None).operation.verb == "clear"
    in_loop = [replace(a, proximity=Proximity.LOOP) for a in (append, clear)]
    assert merged(in_loop, None).operation.verb == "append"


def test_to_look_a_name_up_in_a_module_is_no_race_with_its_functions() -> None:
    called = access(1, 0x3000, "module", "latest", Effect.UNKNOWN, Proximity.INSIDE, 5)
    looked_up = access(2, 0x3000, "module", "getattr:Item", Effect.READ, Proximity.AT, 9)
    replaced = access(2, 0x3000, "module", "setattr:Item", Effect.WRITE, Proximity.AT, 9)
    assert pairs(called, looked_up) == []
    assert pairs(called, replaced) != []


def test_a_module_is_a_suspect_where_a_thread_is_at_its_function() -> None:
    calls = [
        access(lwp, 0x3000, "module", "register", Effect.UNKNOWN, Proximity.AT, 5, 5)
        for lwp in (1, 2)
    ]
    assert pairs(*calls) == [(0x3000, "register", "register")]
    assert pairs(*(replace(t, proximity=Proximity.LOOP) for t in calls)) == []
    assert [pair[0] for pair in pairs(*calls, READ, RESIZE)] == [0x1000, 0x3000]


def test_of_a_module_that_the_crashed_thread_is_not_in_both_are_at_its_functions() -> None:
    shut = access(1, 0x3000, "module", "_shutdown", Effect.UNKNOWN, Proximity.AT, 5, 5)
    done = access(2, 0x3000, "module", "get_ident", Effect.UNKNOWN, Proximity.LOOP, 9, 9)
    assert pairs(shut, done, crashed=3) == []
    assert pairs(shut, done, crashed=2) != []
    assert pairs(shut, replace(done, proximity=Proximity.AT), crashed=3) != []


def test_who_sleeps_takes_no_part_in_a_race_on_time() -> None:
    slept = [
        access(lwp, 0x3000, "module", "sleep", Effect.UNKNOWN, Proximity.AT, 5, 5) for lwp in (1, 2)
    ]
    awake = stopped(*slept, crashed=3)
    asleep = replace(awake, threads=tuple(replace(t, is_detached=True) for t in awake.threads))
    assert ranked_pairs(awake, by_thread(slept)) != []
    assert ranked_pairs(asleep, by_thread(slept)) == []
    assert ranked_pairs(replace(asleep, crashed=2), by_thread(slept)) != []


def test_of_several_operations_that_may_be_running_the_most_harmful_counts() -> None:
    store = replace(
        RESIZE, operation=operation("setattr:buffer"), effect=Effect.READ, proximity=Proximity.AT
    )
    add = replace(RESIZE, operation=operation("+="), proximity=Proximity.LINE)
    assert merged([store, add], None).operation.verb == "+="
    assert merged([store, replace(add, proximity=Proximity.LOOP)], None).operation.verb == "setattr"


def test_of_several_calls_on_a_line_the_one_that_runs_counts() -> None:
    clear = replace(RESIZE, proximity=Proximity.LINE)
    spin = replace(
        RESIZE, operation=operation("spin"), effect=Effect.UNKNOWN, proximity=Proximity.AT
    )
    inside = replace(spin, proximity=Proximity.INSIDE, c_function="two_spin")
    assert merged([clear, spin], inside).operation.verb == "spin"
    assert merged([clear, spin], None, is_in_call=True).operation.verb == "spin"
    assert merged([clear, spin], None).operation.verb == "clear"


def test_a_computed_call_goes_by_the_name_of_what_it_called() -> None:
    call = Operation(kind=OperationKind.CALL)
    computed = replace(RESIZE, operation=call, proximity=Proximity.AT)
    hold = replace(computed, operation=operation("hold"), effect=Effect.UNKNOWN)
    for both in ([computed, hold], [hold, computed]):
        assert merged(both, None, is_in_call=True).operation.verb == "hold"


def test_who_looks_up_a_method_is_about_to_call_it() -> None:
    lookup = replace(
        RESIZE, operation=operation("getattr:spin"), effect=Effect.READ, proximity=Proximity.AT
    )
    call = replace(RESIZE, operation=operation("spin"), proximity=Proximity.LINE)
    inside = replace(lookup, proximity=Proximity.INTERNAL, c_function="_PyObject_GetMethod")
    assert merged([lookup, call], inside).operation.verb == "spin"
    other = replace(call, operation=operation("clear"))
    assert merged([lookup, other], inside).operation.verb == "getattr"


def test_what_a_method_in_python_does_shows_in_its_own_code() -> None:
    inner = replace(RESIZE, proximity=Proximity.FUNCTION)
    call = replace(
        RESIZE, operation=operation("reset"), proximity=Proximity.LOOP, is_passing_on=True
    )
    assert merged([call, inner], None).operation.verb == "clear"
    assert merged([call], None).effect is Effect.READ


def test_a_step_changes_what_is_its_own_iterator() -> None:
    step = BytecodeOperation(0, "next")
    assert effect_of("list", step, is_iterator=False) is Effect.READ
    assert effect_of("itertools.chain", step, is_iterator=True) is Effect.WRITE


def test_an_argument_is_read_but_iterators_are_used_up_and_memory_may_be_written_to() -> None:
    call = BytecodeOperation(0, "call-method", name="extend")
    assert effect_on_argument("list", call, is_iterator=False) is Effect.READ
    assert effect_on_argument("generator", call, is_iterator=True) is Effect.WRITE
    assert effect_on_argument("bytearray", call, is_iterator=False) is Effect.UNKNOWN


def test_what_c_code_uses_while_another_thread_changes_it_comes_before_what_both_read() -> None:
    dumps = [
        access(lwp, 0x4000, "Headers", "dumps", Effect.UNKNOWN, Proximity.AT, 7, 7)
        for lwp in (1, 3)
    ]
    inside = access(1, 0x1000, "list", "dumps", Effect.UNKNOWN, Proximity.INTERNAL, 7, 7)
    change = access(
        2, 0x1000, "list", "setitem", Effect.RESIZE, Proximity.FUNCTION, 9, 8, is_guarded=True
    )
    assert [pair[0] for pair in pairs(*dumps, inside, change)] == [0x1000, 0x4000]


def test_a_plain_attribute_is_no_opponent_of_what_may_only_read() -> None:
    dumps = access(1, 0x4000, "Headers", "dumps", Effect.UNKNOWN, Proximity.AT, 7, 7)
    lookup = access(
        2, 0x4000, "Headers", "getattr:pairs", Effect.READ, Proximity.AT, 9, 9, is_guarded=True
    )
    assert pairs(dumps, lookup) == []


def blame(rule: str, address: int) -> Finding:
    return Finding(rule, "", Confidence.PROVEN, container=Container(address, "list", 2))


def test_of_a_container_that_lost_an_item_the_thread_that_takes_items_away_is_named() -> None:
    adds = access(2, 0x5000, "list", "append", Effect.RESIZE, Proximity.LOOP, 20, 19)
    takes = access(3, 0x5000, "list", "pop", Effect.RESIZE, Proximity.LOOP, 30, 29)
    reads = access(1, 0x5000, "list", "repr", Effect.READ, Proximity.AT, 10)
    facts = stopped(reads, adds, takes, sources={("a.py", 29): "rows.pop()"})
    [race] = find_races(facts, [blame("FT101", 0x5000)], is_crash=False)
    assert all(isinstance(t.operation, Operation) for t in race.threads)
    assert [(t.lwp, getattr(t.operation, "verb", None), t.suspect_line) for t in race.threads] == [
        (1, "repr", None),
        (3, "pop", 29),
    ]
    assert (race.confidence, race.evidence[0].value) == (Confidence.LIKELY, "rows.pop()")
    assert race.evidence[0].private


def test_a_part_that_no_python_code_names_is_its_owners_affair() -> None:
    inside = access(1, 0x6000, "_io.BytesIO", "read", Effect.UNKNOWN, Proximity.INSIDE, 5)
    writes = access(2, 0x6000, "_io.BytesIO", "write", Effect.RESIZE, Proximity.AT, 9)
    facts = stopped(inside, writes, owners={0x7000: frozenset({0x6000})})
    [race] = find_races(facts, [blame("FT103", 0x7000)], is_crash=False)
    assert race.object.address == 0x6000
    assert [e.about for e in race.evidence][-1] == 0x7000
    assert not find_races(stopped(inside, writes), [blame("FT103", 0x7000)], is_crash=False)


def test_a_part_that_still_has_what_its_reader_died_of_was_not_robbed_of_it() -> None:
    """A namespace's dict has the value that an extension gave up; a thread sets another."""
    inside = access(1, 0x6000, "types.SimpleNamespace", "repr", Effect.READ, Proximity.INSIDE, 5)
    sets = access(2, 0x6000, "types.SimpleNamespace", "setattr", Effect.WRITE, Proximity.AT, 9)
    facts = stopped(inside, sets, owners={0x7000: frozenset({0x6000})})
    [race] = find_races(facts, [blame("FT101", 0x7000)], is_crash=False)
    assert race.confidence is Confidence.LIKELY
    still = replace(facts, doubts=RaceDoubts(still_holds=0x7000))
    [race] = find_races(still, [blame("FT101", 0x7000)], is_crash=False)
    assert race.confidence is Confidence.POSSIBLE
    assert race.evidence[-1].claim.kind == "still-in-part"


@pytest.mark.parametrize(("holder", "expected"), [(0x7000, True), (0x8000, False), (None, False)])
def test_what_a_part_still_holds_its_owner_does(holder: int | None, expected: bool) -> None:
    accesses = stopped(READ, owners={0x7000: frozenset({0x6000})})
    found = candidate(accesses, 0x6000, "types.SimpleNamespace", frozenset(), True, holder)
    assert found.still_holds is expected


def test_a_healthy_process_has_no_race() -> None:
    assert find_races(stopped(READ, RESIZE), (), is_crash=False) == ()
    assert find_races(stopped(READ, RESIZE), (), is_crash=True) != ()


def test_a_stack_overflow_is_not_a_race_of_whatever_is_shared() -> None:
    overflow = Finding("FT403", "", Confidence.PROVEN)
    assert find_races(stopped(READ, RESIZE), [overflow], is_crash=True) == ()


def test_the_object_of_the_type_whose_code_failed_comes_first() -> None:
    other = [
        replace(a, address=0x8000, type="bytearray", proximity=Proximity.AT) for a in (READ, RESIZE)
    ]
    facts = stopped(READ, replace(RESIZE, proximity=Proximity.AT), *other)
    fits = replace(facts, failing_type="bytearray")
    assert find_races(fits, (), is_crash=True)[0].object.address == 0x8000


@pytest.mark.parametrize("kind", ["_thread.lock", "socket", "_socket.socket", "select.epoll"])
def test_what_is_made_to_be_shared_is_not_a_suspect(kind: str) -> None:
    locks = [replace(a, type=kind, address=0x9000) for a in (READ, RESIZE)]
    assert pairs(*locks) == []


# What the crashed thread's own C code works on

STEP = access(1, 0x2000, "itertools._tee", "next", Effect.WRITE, Proximity.INSIDE, 3, own_level=1)


def workers(*other: Access, work: str = "work", function: str = "work") -> Accesses:
    """A crashed worker that takes a step, and another one."""
    at = {"file": "a.py", "function": "work"}
    crashed = ThreadAccesses(lwp=1, nearest=(STEP,), work=("a.py", "work"), **at)  # type: ignore[arg-type]  # fields by name
    second = ThreadAccesses(
        lwp=2, nearest=other, file="a.py", function=function, line=5, work=("a.py", work)
    )
    return Accesses(crashed=1, threads=(crashed, second))


def test_where_the_other_thread_has_gone_on_it_is_a_worker_that_does_the_same() -> None:
    (race,) = find_races(workers(), (), True)
    assert race.object.address == STEP.address
    assert [t.lwp for t in race.threads] == [1, 2]
    assert race.confidence is Confidence.POSSIBLE


def test_a_thread_that_was_started_for_something_else_is_no_such_worker() -> None:
    assert find_races(workers(work="play"), (), True) == ()
    assert find_races(workers(function="rest"), (), True) == ()


def test_a_worker_that_works_on_another_of_the_type_is_the_first_choice() -> None:
    accesses = workers(replace(STEP, lwp=3, address=0x3000))
    third = replace(accesses.threads[1], lwp=3)
    idle = replace(accesses.threads[1], nearest=())
    (race,) = find_races(replace(accesses, threads=(accesses.threads[0], idle, third)), (), True)
    assert [t.lwp for t in race.threads] == [1, 3]


DAMAGED = Finding("FT105", "", Confidence.PROVEN)
"""What makes the crashed thread a victim, which need take no part."""


@pytest.mark.parametrize(
    ("effect", "first"),
    [(Effect.READ, 0x2000), (Effect.UNKNOWN, 0x2000), (Effect.RESIZE, 0x6000)],
)
def test_what_others_are_seen_to_change_comes_before_what_the_crashed_thread_is_at(
    effect: Effect, first: int
) -> None:
    """And not what they only read, or may."""
    step, calls = (
        replace(STEP, effect=Effect.RESIZE),
        access(1, 0x6000, "list", "sorted", effect, Proximity.LINE, 3),
    )
    both = tuple(replace(calls, lwp=lwp) for lwp in (2, 3))
    accesses = workers(both[0])
    crashed = replace(accesses.threads[0], nearest=(step,), by_code=(step,))
    others = (replace(accesses.threads[1], lwp=a.lwp, nearest=(a,), by_code=(a,)) for a in both)
    races = find_races(replace(accesses, threads=(crashed, *others)), (DAMAGED,), True)
    assert [race.object.address for race in races] == [first, 0x8000 - first]


PLACE = access(1, 0x5000, "type", "getattr:page", Effect.READ, Proximity.LINE, 3)
"""Where the crashed worker takes its object from."""
PUT = replace(PLACE, lwp=2, operation=operation("setattr:page"), stores="itertools._tee")
CLOSE = access(2, 0x3000, "itertools._tee", "close", Effect.RESIZE, Proximity.LOOP, 9, 8)


LOOK = replace(STEP, effect=Effect.READ)


def turned_over(*second: Access, step: Access = LOOK) -> list[int]:
    """The second thread of the race on what the crashed thread takes a step of, where a third one
    does the same as the crashed thread.
    """
    accesses = workers()
    crashed = replace(accesses.threads[0], nearest=(step, PLACE), by_code=(step, PLACE))
    other = ThreadAccesses(lwp=2, name="t2", nearest=second, by_code=second)
    same = replace(accesses.threads[1], lwp=3)
    races = find_races(replace(accesses, threads=(crashed, other, same)), (), True)
    return [race.threads[1].lwp for race in races if race.object.address == STEP.address]


def test_who_changes_what_it_puts_in_the_objects_place_comes_before_who_only_reads() -> None:
    assert turned_over(PUT, CLOSE) == [2]
    assert turned_over(replace(PUT, stores=None), CLOSE) == [2]
    assert turned_over(CLOSE) == [3]
    assert turned_over(replace(PUT, stores="list"), CLOSE) == [3]
    assert turned_over(replace(PUT, operation=operation("setattr:cover")), CLOSE) == [3]
    assert turned_over(replace(PUT, address=0x7000), CLOSE) == [3]
    assert turned_over(PUT, replace(CLOSE, effect=Effect.READ)) == [3]
    assert turned_over(PUT, CLOSE, step=STEP) == [3]


def test_who_changes_what_it_takes_from_the_same_variable_is_the_other_thread() -> None:
    """``page.close()``, and then ``page = open()``: the crashed thread has the page before."""
    here, there = (0x9000, "page"), (0x9000, "cover")
    step = replace(LOOK, place=here)
    assert turned_over(replace(CLOSE, place=here), step=step) == [2]
    assert turned_over(replace(CLOSE, place=there), step=step) == [3]
    assert turned_over(CLOSE, step=LOOK) == [3]
    assert turned_over(replace(CLOSE, place=here, is_guarded=True), step=step) == [3]


def test_what_the_crashed_thread_is_at_stands_before_what_others_may_do_to_another() -> None:
    """It died in ``PyObject_GetItem``, which is there for any object, with the page before."""
    here = (0x9000, "page")
    at = replace(LOOK, own_level=None, proximity=Proximity.AT, place=here)
    crashed = ThreadAccesses(lwp=1, nearest=(at,), by_code=(at,))
    now = replace(at, address=CLOSE.address)
    closes = replace(CLOSE, place=here)
    others = [
        ThreadAccesses(lwp=a.lwp, name=f"t{a.lwp}", nearest=(a,), by_code=(a,))
        for a in (closes, replace(now, lwp=3))
    ]
    accesses = Accesses(crashed=1, threads=(crashed, *others))
    races = find_races(accesses, (), True)
    assert [[t.lwp for t in race.threads] for race in races] == [[1, 2], [3, 2]]
    elsewhere = replace(others[0], nearest=(CLOSE,), by_code=(CLOSE,))
    (race,) = find_races(replace(accesses, threads=(crashed, elsewhere, others[1])), (), True)
    assert [t.lwp for t in race.threads] == [3, 2]


def test_what_c_code_has_as_its_own_counts_before_what_the_loop_does_elsewhere() -> None:
    named = replace(STEP, proximity=Proximity.LOOP, effect=Effect.READ, own_level=None)
    assert merged([named], STEP) == STEP
    assert merged([named], replace(STEP, own_level=None)).proximity is Proximity.LOOP


@pytest.mark.parametrize("kind", ["re.Pattern", "datetime.timezone", "str"])
def test_what_never_changes_is_raced_on_by_nobody(kind: str) -> None:
    """Be two threads in its methods, which do to it what no row says."""
    inside = access(1, 0x1000, kind, "sub", Effect.UNKNOWN, Proximity.INSIDE, 3)
    assert pairs(inside, replace(inside, lwp=2)) == []
    assert pairs(*(replace(inside, type="_sre.SRE_Scanner", lwp=lwp) for lwp in (1, 2))) != []


def test_asking_for_an_objects_identity_is_no_race() -> None:
    told = access(2, 0x2000, "itertools._tee", "id", Effect.READ, Proximity.FUNCTION, 9)
    assert pairs(STEP, told) == []


def test_the_crashed_threads_own_object_stands_before_what_others_do_to_another() -> None:
    """A bystander's race with a better score is no surer than the one that is founded better."""
    reader = replace(STEP, lwp=2, proximity=Proximity.LOOP, own_level=None)
    clears = access(2, 0x1000, "array.array", "clear", Effect.RESIZE, Proximity.INSIDE, 9)
    extends = access(3, 0x1000, "array.array", "extend", Effect.RESIZE, Proximity.INSIDE, 12)
    races = find_races(stopped(STEP, reader, clears, extends), (), True)
    assert [race.object.address for race in races] == [0x2000, 0x1000]
    ranks = [race.confidence.rank for race in races]
    assert ranks == sorted(ranks)
    claims = [evidence.claim.kind for evidence in races[1].evidence]
    assert "takes-no-part" in claims
    assert "takes-no-part" not in [evidence.claim.kind for evidence in races[0].evidence]


def test_the_innermost_of_several_own_objects_comes_first() -> None:
    """A caller object runs a method of the one that broke."""
    outer = access(1, 0x3000, "operator.methodcaller", "call", Effect.WRITE, Proximity.INSIDE, 3)
    outer = replace(outer, own_level=4)
    others = [replace(a, lwp=2, own_level=None) for a in (outer, STEP)]
    races = find_races(stopped(outer, STEP, *others), (), True)
    assert races[0].object.address == STEP.address


def test_the_crashed_thread_is_one_of_the_two_where_it_is_at_work() -> None:
    mine = replace(READ, effect=Effect.WRITE)
    bystanders = [replace(RESIZE, lwp=lwp, proximity=Proximity.INSIDE) for lwp in (2, 3)]
    (race,) = find_races(stopped(mine, *bystanders), (), True)
    assert race.threads[0].lwp == 1


def test_of_calls_of_unknown_effect_what_differs_harms_the_crashed_threads() -> None:
    """``get_completer()`` in two threads, and ``set_completer()`` in a third."""
    mine = access(1, 0x3000, "module", "get", Effect.UNKNOWN, Proximity.LINE, 5)
    same = replace(mine, lwp=2, proximity=Proximity.INSIDE)
    other = access(3, 0x3000, "module", "set", Effect.UNKNOWN, Proximity.AT, 9)
    (race,) = find_races(stopped(mine, same, other), (), True)
    assert [t.lwp for t in race.threads] == [1, 3]
    far = replace(other, proximity=Proximity.EARLIER)
    (race,) = find_races(stopped(mine, same, far), (), True)
    assert [t.lwp for t in race.threads] == [1, 2]


def test_to_call_a_class_is_no_race_on_it_whatever_its_metaclass() -> None:
    calls = [
        access(lwp, 0x5000, "ABCMeta", "call", Effect.UNKNOWN, Proximity.INSIDE, 5)
        for lwp in (2, 3)
    ]
    bases = {0x5000: ("ABCMeta", "type", "object")}
    assert find_races(stopped(*calls, bases=bases), (), True) == ()
    assert find_races(stopped(*calls, bases={0x5000: ("Meta", "object")}), (), True) != ()


def test_taking_a_method_to_hand_it_on_is_no_race() -> None:
    """The main thread submits what the workers call."""
    taken = access(2, 0x2000, "itertools._tee", "getattr:__next__", Effect.READ, Proximity.LOOP, 9)
    assert pairs(STEP, replace(taken, is_passing_on=True)) == []
    assert pairs(STEP, taken) != []


def test_of_a_workers_own_objects_the_innermost_is_named() -> None:
    accesses = workers()
    outer = replace(STEP, address=0x4000, type="itertools.islice", own_level=6)
    crashed = replace(accesses.threads[0], nearest=(outer, STEP))
    (race,) = find_races(replace(accesses, threads=(crashed, accesses.threads[1])), (), True)
    assert race.object.address == STEP.address


def test_a_race_names_the_frames_that_its_accesses_were_seen_in() -> None:
    first, second = replace(READ, frame=0x7F10), replace(RESIZE, frame=0x7F20)
    [race] = find_races(stopped(first, second), (), is_crash=True)
    assert {thread.lwp: thread.frame for thread in race.threads} == {
        first.lwp: 0x7F10,
        second.lwp: 0x7F20,
    }


def test_what_no_other_thread_can_have_is_not_the_crashed_threads_own_object() -> None:
    """A copy that is being made, a pickler of one call: its maker has the one reference."""
    copy = replace(STEP, address=0x4000, is_private=True, own_level=0)
    accesses = workers()
    crashed = replace(accesses.threads[0], nearest=(copy, STEP))
    stale = replace(copy, lwp=2, is_private=False, own_level=None, proximity=Proximity.AT)
    second = replace(accesses.threads[1], nearest=(stale,))
    races = find_races(replace(accesses, threads=(crashed, second)), (), True)
    assert [race.object.address for race in races] == [STEP.address]


def test_what_no_other_thread_counts_a_reference_to_was_not_a_workers() -> None:
    """An iterator that the thread has made, and hands on in its own code."""
    accesses = workers()
    crashed = replace(accesses.threads[0], nearest=(replace(STEP, is_unshared=True),))
    assert find_races(replace(accesses, threads=(crashed, accesses.threads[1])), (), True) == ()


def test_the_frames_of_what_no_other_thread_has_at_hand() -> None:
    accesses = workers()
    own = replace(STEP, is_unshared=True)
    crashed = replace(accesses.threads[0], nearest=(own, replace(STEP, own_level=2)))
    apart = replace(accesses, threads=(crashed, accesses.threads[1]))
    assert levels_of_unshared(apart) == {1}
    holds = replace(accesses.threads[1], by_code=(replace(STEP, lwp=2),))
    assert levels_of_unshared(replace(apart, threads=(crashed, holds))) == set()


def test_a_worker_in_a_function_that_the_crashed_thread_is_in_does_the_same() -> None:
    accesses = workers(function="serve")
    crashed = replace(accesses.threads[0], path=(("a.py", "put"), ("a.py", "serve")))
    (race,) = find_races(replace(accesses, threads=(crashed, accesses.threads[1])), (), True)
    assert [t.lwp for t in race.threads] == [1, 2]


def test_the_worker_comes_first_unless_the_crashed_thread_is_in_a_clear_race() -> None:
    """It takes the iterator from a dict that others fill: the dict guards itself."""
    accesses = workers()
    takes = access(1, 0x6000, "dict", "getitem", Effect.READ, Proximity.LINE, 3, is_guarded=True)
    fills = access(2, 0x6000, "dict", "setitem", Effect.RESIZE, Proximity.AT, 9, is_guarded=True)
    threads = (
        replace(accesses.threads[0], nearest=(STEP, takes)),
        replace(accesses.threads[1], nearest=(fills,)),
    )
    races = find_races(replace(accesses, threads=threads), (), True)
    assert [race.object.address for race in races] == [STEP.address, 0x6000]
    reader = replace(READ, address=0x7000, proximity=Proximity.INSIDE)
    writer = replace(RESIZE, address=0x7000, proximity=Proximity.AT)
    threads = (
        replace(accesses.threads[0], nearest=(STEP, reader)),
        replace(accesses.threads[1], nearest=(writer,)),
    )
    races = find_races(replace(accesses, threads=threads), (), True)
    assert [race.object.address for race in races] == [0x7000]


def test_an_iterator_that_all_step_stands_for_what_it_takes_its_items_from() -> None:
    inner = replace(STEP, address=0x4000, type="itertools.cycle", own_level=0, through=0x2000)
    batched = replace(STEP, lwp=2, own_level=None, proximity=Proximity.FUNCTION)
    cycle = replace(inner, lwp=2, own_level=None, proximity=Proximity.FUNCTION)
    assert find_races(stopped(STEP, inner, batched, cycle), (), True)[0].object.address == 0x2000
    assert find_races(stopped(STEP, inner, cycle), (), True)[0].object.address == 0x4000


def test_who_only_reads_now_may_have_changed_the_object_in_its_loop() -> None:
    reads = access(2, 0x2000, "itertools._tee", "getattr:count", Effect.READ, Proximity.AT, 9)
    steps = access(2, 0x2000, "itertools._tee", "next", Effect.WRITE, Proximity.LOOP, 9, 8)
    facts = stopped(STEP, reads)
    second = replace(facts.threads[1], by_code=(reads, steps))
    (race,) = find_races(replace(facts, threads=(facts.threads[0], second)), (), True)
    assert [(t.line, t.suspect_line) for t in race.threads] == [(3, None), (9, 8)]
    (race,) = find_races(facts, (), True)
    assert race.threads[1].suspect_line is None


def test_the_crashed_thread_may_have_left_the_objects_code() -> None:
    """It still has what it took from the object."""
    took = replace(READ, operation=operation("tolist"), proximity=Proximity.FUNCTION)
    others = [
        replace(RESIZE, proximity=Proximity.INSIDE),
        replace(RESIZE, lwp=3, operation=operation("extend"), proximity=Proximity.INSIDE),
    ]
    (race,) = find_races(stopped(took, *others), (), True)
    assert [t.lwp for t in race.threads] == [1, 2]
    gone = replace(took, proximity=Proximity.EARLIER)
    (race,) = find_races(stopped(gone, *others), (), True)
    assert [t.lwp for t in race.threads] == [3, 2]


def test_who_has_handed_the_object_on_to_python_code_does_nothing_to_it() -> None:
    made = access(2, 0x2000, "itertools._tee", "evens", Effect.READ, Proximity.FUNCTION, 9)
    assert pairs(STEP, replace(made, is_passing_on=True)) == []
    assert pairs(STEP, made) != []


# A value that another thread replaces


def replaced(stores: str = "function") -> tuple[Accesses, list[Finding]]:
    """A thread died of a function that was gone; another one fills a registry with functions."""
    user = access(1, 0, "", "dumps", Effect.READ, Proximity.AT, 3)
    fill = access(2, 0x6000, "dict", "setitem", Effect.RESIZE, Proximity.LOOP, 9, 8, True)
    gone = Subject(0x9000, "function", None, Verdict.FREED)
    facts = stopped(replace(fill, stores=stores), user=user)
    return facts, [Finding("FT102", "", Confidence.LIKELY, gone)]


def test_who_used_a_value_that_is_gone_races_with_who_replaces_such_values() -> None:
    (race,) = find_races(*replaced(), True)
    assert race.object.address == 0x6000
    assert [(t.lwp, t.line, t.suspect_line) for t in race.threads] == [(1, 3, None), (2, 9, 8)]
    assert race.confidence is Confidence.POSSIBLE


def test_what_is_replaced_is_of_the_type_of_what_was_used() -> None:
    assert find_races(*replaced("property"), True) == ()
    facts, _ = replaced("int")
    number = Subject(0x9000, "int", None, Verdict.FREED)
    assert find_races(facts, [Finding("FT102", "", Confidence.LIKELY, number)], True) == ()


def test_what_is_still_there_was_not_replaced() -> None:
    facts, _ = replaced()
    there = Subject(0x9000, "function", None, Verdict.LIVE)
    assert find_races(facts, [Finding("FT402", "", Confidence.PROVEN, there)], True) == ()


@pytest.mark.parametrize(
    ("near", "is_sure"),
    [(Proximity.AT, False), (Proximity.LOOP, True), (None, True)],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_who_is_at_a_lock_that_the_other_takes_is_not_in_the_object(
    near: Proximity | None, is_sure: bool, is_known: bool
) -> None:
    """``near`` is how near the other thread is to the lock's operation, None where it has none."""
    reader = replace(READ, proximity=Proximity.INSIDE, c_function="array_item")
    lock = access(1, 0x5000, "_thread.lock", "__enter__", Effect.UNKNOWN, Proximity.LOOP, 3)
    waiting = replace(lock, lwp=2, proximity=near or Proximity.LOOP)
    seen = stopped(reader, lock, RESIZE, *([waiting] if near is not None else []))
    container = Container(0x1000, "array.array", None)
    named = Finding("FT101", "", Confidence.PROVEN, container=container)
    [race, *_] = find_races(seen, [named] if is_known else [], is_crash=True)
    assert race.object.address == 0x1000
    assert race.confidence is (Confidence.LIKELY if is_sure else Confidence.POSSIBLE)


def test_two_that_lock_the_object_do_no_harm_but_one_that_does_not_may() -> None:
    """``lst[i] = x`` in two threads takes the list's lock; ``pickle.dumps(lst)`` takes none."""
    mine = access(1, 0x1000, "list", "setitem", Effect.RESIZE, Proximity.LINE, 3, is_guarded=True)
    other = replace(mine, lwp=2, proximity=Proximity.INSIDE)
    third = access(3, 0x1000, "list", "dumps", Effect.UNKNOWN, Proximity.INSIDE, 5)
    (race,) = find_races(stopped(mine, other, third), (), is_crash=True)
    assert [t.lwp for t in race.threads] == [1, 3]
    (race,) = find_races(stopped(mine, other), (), is_crash=True)
    assert [t.lwp for t in race.threads] == [1, 2]


def test_what_both_lock_comes_behind_what_nobody_does() -> None:
    """However near the threads are to it."""
    jobs = access(1, 0x1000, "list", "pop", Effect.RESIZE, Proximity.INSIDE, 3, is_guarded=True)
    file = access(1, 0x2000, "_io.BytesIO", "write", Effect.RESIZE, Proximity.FUNCTION, 8)
    both = [jobs, file, replace(jobs, lwp=2), replace(file, lwp=2)]
    assert [pair[0] for pair in pairs(*both)] == [0x2000, 0x1000]


def test_a_worker_that_changes_an_object_of_no_c_code_of_its_own() -> None:
    """``heappush(shared, x)`` where the other workers wait for their next task."""
    pushes = access(1, 0x1000, "list", "heappush", Effect.RESIZE, Proximity.INSIDE, 3)
    waits = access(2, 0x2000, "_queue.SimpleQueue", "get", Effect.WRITE, Proximity.INSIDE, 9)
    mine = replace(waits, lwp=1, proximity=Proximity.LOOP)
    accesses = stopped(pushes, mine, waits)
    work = ("thread.py", "_worker")
    workers = [
        replace(t, work=work, path=(work,), file=work[0], function=work[1])
        for t in accesses.threads
    ]
    found = find_races(replace(accesses, threads=tuple(workers)), (), is_crash=True)
    assert [race.object.address for race in found] == [0x1000, 0x2000]
    assert [t.lwp for t in found[0].threads] == [1, 2]
    alone = replace(pushes, is_unshared=True)
    of_one = [replace(t, nearest=(alone, mine)) if t.lwp == 1 else t for t in workers]
    found = find_races(replace(accesses, threads=tuple(of_one)), (), is_crash=True)
    assert [race.object.address for race in found] == [0x2000]


def test_what_a_calling_frame_steps_is_not_what_the_crashed_thread_changes() -> None:
    """It is in the generator's code, and that is in a call of another function."""
    steps = access(1, 0x1000, "generator", "__exit__", Effect.WRITE, Proximity.AT, 3)
    outer = ThreadAccesses(
        lwp=1,
        nearest=(replace(steps, frame=0x8000),),
        frame=0x9000,
        work=("a.py", "work"),
        path=(("a.py", "work"),),
    )
    second = ThreadAccesses(lwp=2, file="a.py", function="work", line=5, work=("a.py", "work"))
    accesses = Accesses(crashed=1, threads=(outer, second))
    assert find_races(accesses, (), is_crash=True) == ()
    inner = replace(outer, frame=0x8000)
    assert find_races(replace(accesses, threads=(inner, second)), (), is_crash=True) != ()


def test_who_hands_the_methods_of_an_object_on_is_named_where_nobody_else_is() -> None:
    inside = access(
        1, 0x1000, "_io.BytesIO", "write", Effect.RESIZE, Proximity.INSIDE, 3, own_level=0
    )
    hands_on = replace(
        access(2, 0x1000, "_io.BytesIO", "getattr", Effect.READ, Proximity.LOOP, 9),
        is_passing_on=True,
    )
    (race,) = find_races(stopped(inside, hands_on), (), is_crash=True)
    assert ([t.lwp for t in race.threads], race.confidence) == ([1, 2], Confidence.POSSIBLE)
    assert find_races(stopped(inside), (), is_crash=True) == ()


def test_what_waits_in_a_queue_is_told_as_such() -> None:
    inside = access(
        1, 0x1000, "_io.BytesIO", "write", Effect.RESIZE, Proximity.INSIDE, 3, own_level=0
    )
    waits = replace(
        access(2, 0x1000, "_io.BytesIO", "truncate", Effect.RESIZE, Proximity.FUNCTION, 9),
        is_pending=True,
    )
    (race,) = find_races(stopped(inside, waits), (), is_crash=True)
    assert [part.claim.kind for part in race.evidence] == ["thread-is-inside", "has-pending"]


A_LIST = {"type": "list", "c_function": "list_extend", "proximity": Proximity.AT}


@pytest.mark.parametrize(
    ("changes", "others", "expected"),
    [
        ({"is_unshared": True}, (), True),
        # The lists of a function that is not a list's.
        ({"is_unshared": True, **A_LIST}, (), True),
        ({"is_unshared": True, **A_LIST}, (RESIZE,), False),
        ({"is_unshared": True, **A_LIST, "c_function": None}, (), False),
        ({"is_unshared": False}, (), False),
        ({"is_unshared": True}, (RESIZE,), False),
        ({"is_unshared": True, "proximity": Proximity.LINE}, (), False),
        ({"is_unshared": True, "type": "int"}, (), False),
    ],
)
def test_what_no_other_thread_has_at_hand_or_counts_is_unshared(
    changes: dict[str, Any], others: tuple[Access, ...], expected: bool
) -> None:
    mine = replace(READ, **{"proximity": Proximity.INSIDE, **changes})
    idle = access(2, 0x9000, "threading.Event", "wait", Effect.READ, Proximity.AT, 9)
    assert is_unshared(stopped(mine, idle, *others)) is expected


DUMPS = access(1, 0x5000, "Headers", "dumps", Effect.UNKNOWN, Proximity.AT, 3)
"""A call of unknown effect with an object that holds the list at 0x6000."""
SETS = access(2, 0x6000, "list", "setitem", Effect.WRITE, Proximity.FUNCTION, 9, 8, is_guarded=True)
ENCODERS = (DUMPS, replace(DUMPS, lwp=3), SETS, replace(SETS, lwp=4))
HELD = {0x5000: frozenset({0x6000})}


def test_what_others_change_of_an_object_stands_before_the_whole_that_two_threads_only_pass() -> (
    None
):
    """Both writers lock the list, and harm each other not; the crashed thread locks the whole at
    most.
    """
    races = find_races(stopped(*ENCODERS, contents=HELD), (), True)
    assert [race.object.address for race in races] == [0x6000, 0x5000]
    reader, writer = races[0].threads
    assert (reader.lwp, reader.line, reader.changes) == (1, 3, False)
    assert (writer.lwp, writer.suspect_line, writer.changes) == (2, 8, True)
    assert races[0].confidence is Confidence.POSSIBLE
    said = [(part.claim.kind, part.address) for part in races[0].evidence]
    assert said == [
        ("thread-is-in-code", 0x5000),
        ("thread-is-in-code", 0x6000),
        ("holds-what-is-changed", 0x5000),
    ]


@pytest.mark.parametrize(
    ("proximity", "said"),
    [
        (Proximity.INSIDE, "thread-is-inside"),
        (Proximity.AT, "thread-runs"),
        (Proximity.LINE, "thread-is-on-line"),
        (Proximity.LOOP, "thread-is-in-loop"),
        (Proximity.FUNCTION, "thread-is-in-code"),
    ],
)
def test_a_thread_is_said_to_be_as_near_as_it_is(proximity: Proximity, said: str) -> None:
    """Who still makes the argument of ``shared.append(Item())`` does not append yet."""
    reader = access(1, 0x1000, "list", "getitem", Effect.READ, Proximity.AT, 3)
    writer = access(2, 0x1000, "list", "append", Effect.RESIZE, proximity, 8)
    (race, *_) = find_races(stopped(reader, writer), (), True)
    assert said in [part.claim.kind for part in race.evidence if isinstance(part.claim, Claim)]


@pytest.mark.parametrize(
    ("whole", "change", "held"),
    [
        pytest.param({}, {}, {}, id="it does not hold it"),
        pytest.param({"effect": Effect.READ}, {}, HELD, id="it reads the whole's own fields"),
        pytest.param({"proximity": Proximity.FUNCTION}, {}, HELD, id="it is not in the call"),
        pytest.param({"is_passing_on": True}, {}, HELD, id="Python code shows what is done"),
        pytest.param({"is_private": True}, {}, HELD, id="no other thread has the whole"),
        pytest.param({}, {"effect": Effect.UNKNOWN}, HELD, id="no known change"),
        pytest.param({}, {"proximity": Proximity.EARLIER}, HELD, id="the change is over"),
        pytest.param({}, {"lwp": 1}, HELD, id="its own change"),
    ],
)
def test_a_part_is_raced_on_only_where_the_call_may_use_what_another_thread_changes(
    whole: dict[str, Any], change: dict[str, Any], held: dict[int, frozenset[int]]
) -> None:
    mine = replace(DUMPS, **whole)
    theirs = replace(SETS, **change)
    assert 0x6000 not in [
        race.object.address for race in find_races(stopped(mine, theirs, contents=held), (), True)
    ]


def test_a_method_of_unknown_effect_is_at_work_on_its_own_object() -> None:
    own = replace(DUMPS, type="ext.Index", proximity=Proximity.INSIDE, own_level=1)
    others = (replace(own, lwp=3, own_level=None), SETS, replace(SETS, lwp=4))
    races = find_races(stopped(own, *others, contents=HELD), (), True)
    assert races[0].object.address == 0x5000
    claims = [part.claim.kind for race in races for part in race.evidence]
    assert "holds-what-is-changed" not in claims


def test_a_part_that_the_crashed_thread_has_at_hand_is_judged_by_what_it_does_to_that() -> None:
    reads = replace(SETS, lwp=1, effect=Effect.READ)
    races = find_races(stopped(*ENCODERS, reads, contents=HELD), (), True)
    assert races[0].object.address == 0x5000
    claims = [part.claim.kind for race in races for part in race.evidence]
    assert "holds-what-is-changed" not in claims


def test_a_change_of_the_whole_stands_before_one_of_a_part() -> None:
    clears = access(5, 0x5000, "Headers", "clear", Effect.RESIZE, Proximity.LOOP, 20)
    races = find_races(stopped(*ENCODERS, clears, contents=HELD), (), True)
    assert [race.object.address for race in races] == [0x5000, 0x6000]
