"""Which deaths are of one defect."""

from __future__ import annotations

import dataclasses

from gdbext.hunt.deaths import Death
from gdbext.hunt.grouping import group, is_same_defect
from gdbext.model import Confidence, Subject
from unit.hunt.deaths import death, race

BYTES = ("bytearray", (20, 25))
SPACE = ("types.SimpleNamespace", (50, 55))


def sizes(*deaths: Death) -> list[int]:
    return [len(g.deaths) for g in group(deaths)]


def test_equal_signatures_are_one_defect_whatever_else_differs() -> None:
    assert sizes(death("a", race(*BYTES)), death("a", race(*SPACE)), death("a", None)) == [3]


def test_two_defects_of_one_program_stay_apart() -> None:
    assert sizes(death("a", race(*BYTES)), death("b", race(*SPACE)), death("a", race(*BYTES))) == [
        2,
        1,
    ]


def test_one_object_and_a_shared_line_is_one_defect() -> None:
    one = death("a", race("bytearray", (20, 25)))
    other = death("b", race("bytearray", (30, 20)))
    assert sizes(one, other) == [2]


def test_a_third_death_links_two_that_share_no_line() -> None:
    first, last = death("a", race("bytearray", (20,))), death("c", race("bytearray", (25,)))
    assert sizes(first, last) == [1, 1]
    link = death("b", race("bytearray", (20, 25)))
    for order in ((first, last, link), (link, last, first), (first, link, last)):
        assert sizes(*order) == [3]


def test_the_same_pair_of_lines_is_one_defect_whatever_part_of_the_object_is_named() -> None:
    assert sizes(
        death("a", race("types.SimpleNamespace", (50, 55))), death("b", race("dict", (55, 50)))
    ) == [2]


def test_one_line_alone_links_no_objects_of_different_types() -> None:
    one, other = death("a", race("list", (20,))), death("b", race("dict", (20,)))
    assert sizes(one, other) == [1, 1]


def test_a_victim_joins_the_cause_that_is_among_its_suspects() -> None:
    victim = death("v", None, race("bytearray", (20,), Confidence.POSSIBLE))
    assert sizes(death("a", race(*BYTES)), death("b", race(*SPACE)), victim) == [2, 1]


def test_a_merely_possible_race_is_no_cause_of_its_own() -> None:
    vague = death("v", race("module", (20, 30), Confidence.POSSIBLE), race("bytearray", (25, 20)))
    assert sizes(death("a", race(*BYTES)), vague) == [2]


def test_a_likely_race_on_another_object_is_a_defect_of_its_own() -> None:
    other = death("b", race(*SPACE), race(*BYTES))
    assert sizes(death("a", race(*BYTES)), death("a", race(*BYTES)), other) == [2, 1]


def test_a_victim_whose_threads_stand_at_the_lines_joins() -> None:
    at_both, elsewhere = death("v", None, at=(20, 25)), death("w", None, at=(50, 55))
    cause = death("a", race(*BYTES))
    assert sizes(cause, at_both) == [2]
    assert sizes(cause, elsewhere) == [1, 1]


def test_of_two_causes_a_victim_is_laid_to_the_one_that_kills_more_often() -> None:
    often, rare = [death("a", race(*BYTES))] * 3, [death("b", race(*SPACE))] * 2
    victim = death("v", None, at=(20, 25, 50, 55))
    assert sizes(*rare, *often, victim) == [4, 2]


def test_victims_without_any_cause_stay_by_their_signatures() -> None:
    assert sizes(death("v", None), death("w", None), death("v", None)) == [2, 1]


def test_the_same_defect_in_two_reports() -> None:
    assert is_same_defect(death("a", race(*BYTES)), death("b", race(*BYTES)))
    assert not is_same_defect(death("a", race(*BYTES)), death("b", race(*SPACE)))


def test_the_type_that_most_deaths_name_is_the_groups() -> None:
    named = group([death("a", race("module", (20,))), *[death("a", race(*BYTES))] * 2])[0]
    assert named.object_type == "bytearray"
    assert (named.types["bytearray"], named.types["module"]) == (2, 1)


def test_a_fill_of_freed_memory_that_hides_the_type_makes_no_other_defect() -> None:
    known, filled = died_of_item("a", "st.Item"), died_of_item("b", None)
    (found,) = group([known, filled, died_of_item("a", "st.Item")])
    assert (len(found.deaths), found.object_type) == (3, "st.Item")
    assert len(group([known, died_of_item("b", None, rule="FT205")])) == 2
    assert len(group([known, died_of_item("b", "st.Other")])) == 2
    # Damage without an object is of any defect.
    assert len(group([known, death("b", None, rule="FT102")])) == 2


def died_of_item(signature: str, kind: str | None, rule: str = "FT102") -> Death:
    """No race is named; the headline is about one object."""
    told = death(signature, None, rule=rule)
    (headline,) = told.report.findings
    about = dataclasses.replace(headline, subject=Subject(0x20000001000, type=kind))
    return Death(report=dataclasses.replace(told.report, findings=(about,)))
