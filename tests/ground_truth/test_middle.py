"""A process stopped in the middle of something: no nonsense, but a word that says what it is in the
middle of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hosts.run import run_in_debugger
from lab import builds

SCRIPT = Path(__file__).with_name("middle.py")
STOPS = (
    "list_dealloc",
    "mi_free",
    "_mi_page_malloc",
    "deduce_unreachable_heap",
    "mark_heap_visitor",
    "finalize_garbage",
    "delete_garbage",
    "subtype_dealloc",
)


@pytest.fixture(scope="module", params=builds.chosen(("release", "debug")))
def stops(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What was said at each stop."""
    python, addresses = (
        builds.python(request.param),
        tmp_path_factory.mktemp("middle") / "addresses.json",
    )
    command = (str(python), str(SCRIPT), str(addresses))
    answers = run_in_debugger(
        "gdb", "ground_truth.middle_checker:check", str(addresses), list(STOPS), command=command
    )
    found = dict(zip(STOPS, answers))
    for function, answer in found.items():
        assert function in answer["frames"]
    return found


@pytest.mark.parametrize("function", STOPS)
def test_a_sound_heap_has_no_fault_at_any_moment(
    stops: dict[str, dict[str, Any]], function: str
) -> None:
    assert stops[function]["faults"] == []


@pytest.mark.parametrize("function", ["list_dealloc", "mi_free"])
def test_an_object_inside_its_deallocation_is_dying(
    stops: dict[str, dict[str, Any]], function: str
) -> None:
    verdict, _, reason = stops[function]["victim"]
    assert verdict == "dying"
    assert "dealloc" in reason.lower()
    assert stops[function]["alive"][0] == "live"


def test_a_thread_inside_malloc_does_not_change_what_is_known(
    stops: dict[str, dict[str, Any]],
) -> None:
    found = stops["_mi_page_malloc"]
    assert [found[name][0] for name in ("alive", "ring", "items")] == ["live"] * 3
    assert found["victim"][0] in ("cached", "freed")


def test_the_collector_with_the_world_stopped_makes_reachability_unknown(
    stops: dict[str, dict[str, Any]],
) -> None:
    found = stops["mark_heap_visitor"]
    # From 3.14 on the collector has marked by then what is reachable from where it began.
    marked = ("alive",) if found["alive"][0] == "live" else ()
    for name in {"alive", "ring", "items"}.difference(marked):
        verdict, confidence, reason = found[name]
        assert (verdict, confidence) == ("unknown", "possible")
        assert "garbage collector" in reason


@pytest.mark.parametrize("function", ["finalize_garbage", "delete_garbage"])
def test_what_the_collector_found_unreachable_is_dying(
    stops: dict[str, dict[str, Any]], function: str
) -> None:
    assert stops[function]["alive"][0] == "live"
    for name in ("ring", "items"):
        assert stops[function][name][0] == "dying"
        assert "garbage collector" in stops[function][name][2]
