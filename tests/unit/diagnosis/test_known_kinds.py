"""What a known issue is not to be said of: crashes that look a little like it, and are another's.

Each is a kind that was wrong: the issue stood first, or was said to be likely.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.diagnosis.known_issues.features import Candidate, CrashFeatures
from gdbext.diagnosis.known_issues.identify import identify
from unit.diagnosis.words import operations

LIKELY = ("exact", "likely")
VERSIONS = ("3.13.5", "3.14.2")


def crash(*candidates: Candidate, frames: str = "", calls: str = "") -> CrashFeatures:
    return CrashFeatures(
        rules=frozenset({"FT105", "FT301"}),
        candidates=candidates,
        frames=tuple(frames.split()),
        inner=frozenset(frames.split()),
        calls=frozenset(calls.split()),
    )


def suspect(kinds: str, done: str, bases: str = "", is_certain: bool = True) -> Candidate:
    return Candidate(
        types=frozenset(kinds.split()),
        families=frozenset(bases.split()),
        operations=operations(done),
        is_certain=is_certain,
        is_site=not is_certain,
    )


ELEMENT = suspect("xml.etree.ElementTree.Element", "list clear")
BYTEARRAY = suspect("bytearray", "append clear")
BUILDER = suspect("xml.etree.ElementTree.TreeBuilder", "feed feed")
FEED = "treebuilder_handle_start expat_start_handler doContent expat_parse"

# The issue that is another's, and the crash.
KINDS: dict[str, tuple[str, CrashFeatures]] = {
    "pickle walks an exact dict itself, a subclass by its iterator": (
        "gh-146452",
        crash(
            suspect("collections.OrderedDict", "dumps setitem", "dict"),
            calls="_pickle.dumps",
        ),
    ),
    "a pickler that threads share, while it saves a dict": (
        "gh-146452",
        crash(suspect("_pickle.Pickler", "dump dump"), frames="save save_dict dump"),
    ),
    "what one thread can do to an element alone, where two race on it": (
        "gh-143200",
        crash(
            replace(
                suspect("xml.etree.ElementTree.Element", "delitem getitem", is_certain=False),
                used_in=frozenset({"element_ass_subscr"}),
            ),
            frames="element_ass_subscr list_dealloc",
        ),
    ),
    "what a partial calls is at fault": (
        "gh-143880",
        crash(
            BYTEARRAY,
            suspect("functools.partial", "call call"),
            frames="mi_malloc bytearray_append partial_vectorcall",
        ),
    ),
    "nothing but the partial is known": (
        "gh-143880",
        crash(suspect("functools.partial", "call call"), frames="readline_lock partial_vectorcall"),
    ),
    "a method that a methodcaller calls": (
        "gh-127065",
        crash(suspect("operator.methodcaller", "call call")),
    ),
    "an element's own iterator is private to one thread": (
        "gh-156310",
        crash(
            ELEMENT,
            suspect("iterator", "list", is_certain=False),
            frames="element_getitem iter_iternext list_extend",
        ),
    ),
    "a PickleBuffer is no memoryview": (
        "gh-127716",
        crash(suspect("pickle.PickleBuffer", "release release"), frames="mbuf_release"),
    ),
    "a frame's own trace function": (
        "gh-137400",
        crash(
            suspect("frame", "setattr:f_trace call"),
            frames="call_trampoline sys_trace_func2 call_trace_protected",
            calls="sys.settrace",
        ),
    ),
    "a fatal error's dump is no call of faulthandler": (
        "gh-131580",
        crash(suspect("itertools.groupby", "next next"), frames="fatal_error_exit dump_traceback"),
    ),
    "two parsers feed one builder": ("gh-157095", crash(BUILDER, frames=FEED)),
    "handlers are replaced while a parser parses": (
        "gh-157095",
        crash(suspect("pyexpat.xmlparser", "Parse setattr:StartElementHandler")),
    ),
    "the C library's own functions say nothing": (
        "gh-126895",
        crash(suspect("Polygon", "contains prepare"), frames="unlink_chunk _int_free free grow"),
    ),
    "another attribute than the issue's is set": (
        "gh-124470",
        crash(suspect("Settings", "getattr:__dict__ setattr:kind")),
    ),
    "json's dump is not pickle's": (
        "gh-157105",
        crash(suspect("dict", "dump setitem"), frames="save_dict save dump"),
    ),
    "an iterator of one thread inside a shared one": (
        "gh-153981",
        crash(
            suspect("itertools.pairwise", "next next"),
            suspect("itertools.count", "next next"),
        ),
    ),
    "json's dump is not marshal's, either": (
        "gh-151370",
        crash(suspect("list", "dump append"), calls="json.dump"),
    ),
    "an array that grows by a list is the array's matter": (
        "gh-157072",
        crash(suspect("array.array", "fromlist append"), frames="array_resize"),
    ),
    "a profiler is switched on and off": (
        "gh-151363",
        crash(suspect("cProfile.Profile", "enable disable")),
    ),
    "no error handler is set": (
        "gh-152767",
        crash(suspect("_multibytecodec.MultibyteIncrementalDecoder", "decode reset")),
    ),
    "other threads share the groupby": (
        "gh-143543",
        crash(suspect("itertools.groupby", "next next"), frames="groupby_next"),
    ),
    "its partner is not there, and another is": (
        "gh-155781",
        crash(suspect("sqlite3.Connection", "execute create_function")),
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_it_is_not_said_to_be_likely(name: str) -> None:
    issue, features = KINDS[name]
    for version in VERSIONS:
        found = identify(version, features, limit=99).issues
        assert issue not in [each.id for each in found if each.match in LIKELY]
        assert not found or found[0].id != issue or found[0].match == "possible"


def test_an_issue_of_which_all_is_seen_leaves_the_others_possible() -> None:
    """``findtext`` is not called; that an element changes, the other issue says, too."""
    found = {i.id: i.match for i in identify("3.13.5", crash(ELEMENT), limit=99).issues}
    assert found["gh-146022"] == "exact"
    assert found.get("gh-148735", "possible") == "possible"


@pytest.mark.parametrize("done", ["max", "max print"])
def test_what_one_thread_steps_leads_to_what_threads_share(done: str) -> None:
    """``max(map(len, buffer))``: the map is the thread's own."""
    functions = frozenset({"_stringio_readline", "stringio_iternext"})
    buffer = replace(suspect("_io.StringIO", done), used_in=functions)
    own = suspect("map", "next", is_certain=False)
    frames = "_stringio_readline stringio_iternext map_next PyIter_Next min_max"
    found = {i.id: i.match for i in identify("3.13.5", crash(buffer, own, frames=frames)).issues}
    assert next(iter(found)) == "gh-153296"
    assert found.get("gh-124397", "possible") == "possible"


def test_a_wrong_issue_does_not_make_the_signature() -> None:
    """The defect's words are those of what explains the crash."""
    hidden = suspect("functools.partial", "call call")
    alone = identify("3.13.5", crash(BYTEARRAY)).defect
    assert identify("3.13.5", crash(BYTEARRAY, hidden, frames="partial_vectorcall")).defect == alone
    victim = replace(crash(hidden, frames="partial_vectorcall"), is_victim=True)
    assert identify("3.13.5", victim).defect == ()


def level(features: CrashFeatures, issue: str) -> str | None:
    return next((i.match for i in identify("3.13.5", features).issues if i.id == issue), None)


def test_what_something_else_wrote_over_is_not_likely_to_be_a_race_of_it() -> None:
    features = crash(suspect("set", "update update"), frames="set_update_internal")
    assert level(features, "gh-141805") == "exact"
    [race] = features.candidates
    written_over = replace(features, candidates=(replace(race, is_written_over=True),))
    assert level(written_over, "gh-141805") == "possible"


def test_what_threads_do_in_turn_is_not_likely_to_be_a_race() -> None:
    features = crash(BYTEARRAY, frames="bytearray_append")
    assert level(features, "gh-129107") == "exact"
    in_turn = replace(features, candidates=(replace(BYTEARRAY, takes_turns=True),))
    assert level(in_turn, "gh-129107") == "possible"


def test_an_extension_that_faults_by_itself_has_no_issue_of_cpythons() -> None:
    features = crash(suspect("set", "update update"), frames="set_update_internal")
    assert level(features, "gh-141805") == "exact"
    own = replace(features, own_code="merge_rows")
    assert level(own, "gh-141805") in (None, "possible")


def test_an_issue_stands_before_its_duplicate() -> None:
    """gh-127472 is a duplicate of gh-129107, which has the fix."""
    shared = suspect("bytearray", "extend delitem")
    frames = "bytearray_extend method_vectorcall"
    found = [(i.id, i.match) for i in identify("3.13.5", crash(shared, frames=frames)).issues]
    assert [name for name, _ in found[:2]] == ["gh-129107", "gh-127472"]
    assert found[0][1] == "exact"
