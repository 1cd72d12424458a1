"""The catalogue of known issues: its form, and what it says of crashes whose cause is known."""

from __future__ import annotations

import ast
import importlib
import json
import re

import pytest

import check_known_issues
from gdbext.diagnosis.known_issues.advice import advice_for
from gdbext.diagnosis.known_issues.catalogue import CATALOGUE, catalogue
from gdbext.diagnosis.known_issues.features import Candidate, CrashFeatures, module_name
from gdbext.diagnosis.known_issues.identify import identify
from gdbext.diagnosis.known_issues.versions import has_fix, is_affected, parse_version
from gdbext.model import Operation, OperationKind
from lab.script import Script, corpus
from unit.diagnosis.words import operation, operations


def is_exact(script: Script) -> bool:
    """Whether the marks alone say what is done: of ``next or list`` each thread does one."""
    marks = [mark.name for mark in script.operations.values()]
    return bool(marks) and not any(" or " in name for name in marks)


RACES = {
    name: script
    for name, script in corpus().items()
    if script.is_race and script.expect.get("known_by") != "frames" and is_exact(script)
}
CANDIDATE = ("types", "families", "operations", "around", "is_certain", "is_site", "still_holds")
OPERATIONS = ("operations", "around")
TEXTS = ("assertion", "fatal_error", "signal")


def features(**given: str | bool | None) -> CrashFeatures:
    """Features of one candidate, from texts: sets of words, frames in order."""
    candidate: dict[str, object] = {}
    made: dict[str, object] = {}
    for name, value in given.items():
        into = candidate if name in CANDIDATE else made
        if name == "frames" and isinstance(value, str):
            made["frames"], made["inner"] = tuple(value.split()), frozenset(value.split())
        elif name in OPERATIONS and isinstance(value, str):
            into[name] = operations(value)
        elif isinstance(value, str) and name not in TEXTS:
            into[name] = frozenset(value.split())
        else:
            into[name] = value
    candidates = (Candidate(**candidate),) if candidate else ()  # type: ignore[arg-type]  # the keyword decides the type
    return CrashFeatures(candidates=candidates, **made)  # type: ignore[arg-type]  # the keyword decides the type


def named(version: str, **given: str | bool | None) -> list[tuple[str, str]]:
    return [(issue.id, issue.match) for issue in identify(version, features(**given)).issues]


# --- the file -------------------------------------------------------------------------------------


def test_the_catalogue_is_well_formed() -> None:
    assert list(check_known_issues.problems(json.loads(CATALOGUE.read_text()))) == []


def test_the_check_finds_what_is_wrong() -> None:
    entry = json.loads(CATALOGUE.read_text())[0]
    bad = [
        entry,
        entry,
        {
            **entry,
            "id": "gh-1",
            "fixed_in": ["3.13.4+"],
            "affected": ["3.13.9-3.13.1"],
            "class": "bug",
            "same_as": "gh-2",
        },
        {
            **entry,
            "id": "gh-3",
            "url": "https://github.com/python/cpython/issues/4",
            "frames_quoted": 99,
        },
        {
            **entry,
            "id": "gh-5",
            "url": "https://github.com/python/cpython/issues/5",
            "patterns": [{"rules": ["FT999"], "type": "list"}, {}],
        },
        {key: value for key, value in entry.items() if key != "advice"} | {"id": "gh-6"},
    ]
    found = "\n".join(check_known_issues.problems(bad))
    for problem in (
        "more than once",
        "no version",
        "no range of versions",
        "is none of",
        "no entry of its own",
        "not the issue's address",
        "99 quoted frames",
        "unknown rule FT999",
        "unknown field type",
        "it is empty",
        "no advice",
    ):
        assert problem in found


# --- versions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "fixed_in", "fixed"),
    [
        ("3.13.3", "3.13.4 3.14.0b1", False),
        ("3.13.4", "3.13.4 3.14.0b1", True),
        ("3.14.0a7", "3.13.4 3.14.0b1", False),
        ("3.14.0rc1", "3.13.4 3.14.0b1", True),
        ("3.15.0a1", "3.13.4 3.14.0b1", True),
        ("3.13.9", "3.14.0a3", False),
        ("3.14.2", "3.13.4", True),
        ("3.14.2", "", False),
    ],
)
def test_a_version_has_a_fix_of_its_series_or_of_an_earlier_one(
    version: str, fixed_in: str, fixed: bool
) -> None:
    assert has_fix(parse_version(version), fixed_in.split()) is fixed


@pytest.mark.parametrize(
    ("version", "ranges", "affected"),
    [
        ("3.13.5", "3.13", True),
        ("3.13.5", "3.13.0-3.13.3 3.14", False),
        ("3.14.0a2", "3.14.0a1-3.14.0a7", True),
        ("3.14.7", "3.14.7", True),
        ("3.16.0", "3.13 3.14", None),
        ("3.13.5", "", None),
    ],
)
def test_a_version_is_affected_not_affected_or_later_than_all_that_was_said(
    version: str, ranges: str, affected: bool | None
) -> None:
    assert is_affected(parse_version(version), ranges.split()) is affected


# --- matching -------------------------------------------------------------------------------------


def operations_of(script: Script) -> frozenset[Operation]:
    """The marked operations: with the attribute's name where one is read or set."""
    lines = script.path.read_text().splitlines()
    marked = set()
    for number, mark in script.operations.items():
        code = lines[number - 1].split("#")[0]
        names = re.findall(r"\.(\w+)", code.split("=")[0] if mark.name == "setattr" else code)
        is_attribute = mark.name in ("getattr", "setattr", "delattr") and names
        marked.add(operation(f"{mark.name}:{names[-1]}" if is_attribute else mark.name))
    return frozenset(marked)


def imports_of(script: Script) -> frozenset[str]:
    tree = ast.walk(ast.parse(script.path.read_text()))
    return frozenset(
        alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names
    )


def bases_of(script: Script, kind: str) -> set[str]:
    """What a class of the script's own is derived from."""
    classes = [
        n for n in ast.walk(ast.parse(script.path.read_text())) if isinstance(n, ast.ClassDef)
    ]
    bases = {ast.unparse(base) for found in classes if found.name == kind for base in found.bases}
    return {name for base in bases for name in (base, tp_name(base))}


def tp_name(base: str) -> str:
    """What ``module.Class`` is called in C: ``_io.StringIO`` for ``io.StringIO``."""
    module, _, name = base.rpartition(".")
    made = getattr(importlib.import_module(module), name) if module else None
    return f"{made.__module__}.{name}" if made else base


def several(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("name", RACES)
def test_a_race_of_the_corpus_whose_object_and_operations_are_told_is_named(name: str) -> None:
    script = RACES[name]
    types = [str(kind) for kind in several(script.expect["object_type"])]
    families = {"BaseException"} if types[0].endswith("Error") else bases_of(script, types[0])
    race = Candidate(
        types=frozenset(types), families=frozenset(families), operations=operations_of(script)
    )
    text, names = (
        script.path.read_text(),
        {operation.name for operation in script.operations.values()},
    )
    calls = frozenset(
        f"{module}.{name}"
        for module in imports_of(script)
        for name in names
        if f"{module}.{name}(" in text
    )
    rules = frozenset({"FT105", "FT301"})
    crash = CrashFeatures(rules=rules, candidates=(race,), calls=calls, is_victim=True)
    found = identify("3.13.5", crash).issues
    assert (found[0].id if found else None) in several(script.expect["known"])
    assert [issue.match for issue in found[:1]] in ([], ["exact"], ["likely"])


@pytest.mark.parametrize(
    ("user", "issue"),
    [("encoder_listencode_dict", "gh-157106"), ("encoder_listencode_list", "gh-157107")],
)
def test_of_two_functions_on_the_stack_that_which_has_the_object_is_at_fault(
    user: str, issue: str
) -> None:
    """A dict in a list in a dict: the encoder of lists is inside that of dicts in any case."""
    operations = frozenset(
        Operation(kind=OperationKind.CALL, name=name) for name in ("dumps", "setitem")
    )
    frames = ("encoder_listencode_list", "encoder_listencode_obj", "encoder_listencode_dict")
    race = Candidate(types=frozenset({"list"}), operations=operations, used_in=frozenset({user}))
    crash = CrashFeatures(
        rules=frozenset({"FT102", "FT301"}),
        candidates=(race,),
        frames=frames,
        inner=frozenset(frames),
        modules=frozenset({"_json.c"}),
        calls=frozenset({"json.dumps"}),
    )
    found = identify("3.15.0a0", crash).issues
    assert (found[0].id, found[0].match != "possible") == (issue, True)
    assert [each.match for each in found[1:]] in ([], ["possible"] * len(found[1:]))


def test_who_died_in_another_defects_function_did_not_die_of_this_one() -> None:
    """A dict's entry is lost in ``whichmodule``, which walks ``sys.modules``."""
    seen: dict[str, str | bool | None] = {
        "rules": "FT205",
        "types": "dict",
        "operations": "dumps setitem",
        "modules": "_pickle",
        "is_certain": True,
    }
    walked = named("3.13.5", **seen, frames="batch_dict_exact save_dict save dump")
    assert walked[0][0] == "gh-146452"
    asked = dict(named("3.13.5", **seen, frames="_checkmodule whichmodule save_global save dump"))
    assert next(iter(asked)) == "gh-150157"
    assert asked["gh-146452"] == "possible"
    reduced = named(
        "3.13.5", **seen, frames="_PyVectorcall_FunctionInline _Pickle_FastCall save dump"
    )
    assert reduced[0][0] == "gh-157119"


def test_a_defect_of_one_thread_alone_is_none_in_a_race() -> None:
    """``i_setitem`` is also what ``array.append`` puts its item in with."""
    seen: dict[str, str | bool | None] = {
        "rules": "FT203",
        "types": "array.array",
        "operations": "insort delitem",
        "modules": "array",
        "frames": "i_setitem ins array_array_insert",
        "is_certain": True,
    }
    assert named("3.13.5", **seen)[0][0] == "gh-128942"


def test_what_threads_do_to_a_modules_own_object_is_known_wherever_they_die() -> None:
    seen = named(
        "3.13.5",
        rules="FT206",
        types="xml.etree.ElementTree.Element",
        operations="delitem extend",
        around="getitem delitem extend",
        modules="_elementtree.c",
        is_certain=True,
        frames="list_dealloc element_ass_subscr",
    )
    assert "gh-146022" in [name for name, match in seen if match != "possible"]


def test_the_founding_crash_is_exact_where_it_is_not_fixed() -> None:
    given = {
        "rules": "FT101",
        "types": "list",
        "subject_types": "types.UnionType",
        "operations": "repr clear",
    }
    assert named("3.13.3", **given)[0] == ("gh-132713", "exact")


def test_a_build_without_the_fix_of_its_version_gets_likely_and_the_reason() -> None:
    found = identify(
        "3.13.5", features(rules="FT101", types="list", operations="repr clear")
    ).issues
    assert (found[0].id, found[0].match) == ("gh-132713", "likely")
    assert "3.13.5 should have the fix" in found[0].why
    assert "3.13.5 should have the fix" in found[0].advice


def test_an_item_that_the_container_still_holds_was_not_taken_away() -> None:
    given = {"rules": "FT101", "types": "list", "operations": "repr clear"}
    assert all(level == "possible" for _, level in named("3.13.3", **given, still_holds=True))


def test_a_race_takes_two_threads() -> None:
    given = {
        "rules": "FT203",
        "types": "array.array",
        "operations": "setitem",
        "frames": "q_setitem",
    }
    assert named("3.13.5", **given)[0][0] == "gh-128942"
    alone = named("3.13.5", **given, is_alone=True)
    assert alone[0] == ("gh-142555", "exact"), "__index__ of the value changes the array"
    assert (
        named("3.13.5", rules="FT203", types="bytearray", operations="append clear", is_alone=True)[
            0
        ][1]
        == "possible"
    )


def test_an_object_that_no_other_thread_has_is_not_raced_on() -> None:
    given: dict[str, str | bool | None] = {
        "rules": "FT404",
        "types": "bytearray",
        "operations": "append",
        "frames": "bytearray_append",
        "is_certain": False,
        "is_site": True,
    }
    assert named("3.13.5", **given)[0] == ("gh-129107", "likely")
    assert all(level == "possible" for _, level in named("3.13.5", **given, is_unshared=True))


FOREIGN = {issue.id: issue for issue in catalogue() if issue.project}


def test_an_extension_that_is_not_loaded_has_no_part_in_the_crash() -> None:
    given = {"rules": "FT101", "types": "cereggii.AtomicDict", "operations": "fast_iter"}
    assert named("3.14.0", **given, loaded="python3 cereggii")[0] == ("cereggii#88", "exact")
    assert named("3.14.0", **given)[0] == ("cereggii#88", "exact"), "what is loaded is not known"
    found = identify("3.14.0", features(**given, loaded="python3 libc")).issues
    assert [issue.match for issue in found] == ["possible"] * len(found)
    assert all(
        "but cereggii is not loaded" in issue.why for issue in found if issue.id == "cereggii#88"
    )


def test_cpythons_own_issues_need_nothing_loaded() -> None:
    given = {"rules": "FT105", "types": "bytearray", "operations": "append clear"}
    assert named("3.13.5", **given, loaded="python3 libc")[0] == ("gh-129107", "exact")


@pytest.mark.parametrize(
    ("issue", "path"),
    [
        ("cereggii#88", "/site-packages/_cereggii.cpython-314t-x86_64-linux-gnu.so"),
        ("ft_utils#13", "/site-packages/ft_utils/concurrency.cpython-313t-x86_64-linux-gnu.so"),
        ("greenlet#513", "/site-packages/greenlet/_greenlet.cpython-314t-x86_64-linux-gnu.so"),
        (
            "numpyPR27955",
            "/site-packages/numpy/_core/_multiarray_umath.cpython-313t-x86_64-linux-gnu.so",
        ),
        ("pandas#59057", "/site-packages/pandas/_libs/hashtable.cpython-313t-x86_64-linux-gnu.so"),
        ("python-rapidjson#234", "/site-packages/rapidjson.cpython-314t-x86_64-linux-gnu.so"),
        ("python3-lxc#37", "/site-packages/_lxc.cpython-313t-x86_64-linux-gnu.so"),
    ],
)
def test_an_extension_is_known_by_the_files_that_it_is_installed_as(issue: str, path: str) -> None:
    assert FOREIGN[issue].project in {module_name(part) for part in path.split("/")}


def test_the_second_defect_of_the_founding_issue_is_known_by_its_rule() -> None:
    assert named(
        "3.13.3", rules="FT202", types="types.UnionType", operations="getattr:__parameters__"
    )[0] == (
        "gh-132713",
        "exact",
    )


def test_one_stack_two_causes_the_container_decides() -> None:
    stack = (
        "union_repr PyObject_Repr unicode_fromformat_arg unicode_from_format PyUnicode_FromFormatV "
        "PyUnicode_FromFormat"
    )
    common = {"rules": "FT101", "subject_types": "types.UnionType"}
    assert (
        named("3.13.5", **common, frames=f"{stack} namespace_repr", types="types.SimpleNamespace")[
            0
        ][0]
        == "gh-135878"
    )
    in_classmethod = named(
        "3.13.5",
        **common,
        frames=f"{stack} cm_repr",
        types="classmethod",
        operations="repr __init__",
    )
    assert in_classmethod[0] == ("gh-144330", "exact")


def test_quoted_frames_are_exact_with_inlined_ones_missing_and_not_in_another_order() -> None:
    release = (
        "union_repr PyObject_Repr unicode_fromformat_arg unicode_from_format PyUnicode_FromFormatV "
        "PyUnicode_FromFormat"
    )
    assert ("gh-135878", "exact") not in named("3.13.5", frames=release), (
        "only one of these frames says anything"
    )
    quoted = (
        "unlink_chunk _int_free free _PyMem_RawFree _PyMem_DebugRawFree "
        "readline_set_completer_delims"
    )
    assert named("3.13.5", frames=quoted)[0] == ("gh-126895", "exact")
    assert named("3.14.0", frames=quoted)[0] == ("gh-126895", "likely")
    assert named("3.13.5", frames=" ".join(reversed(quoted.split())))[0][1] != "exact"


def test_an_assertion_of_its_own_names_an_issue() -> None:
    assert named("3.13.5", rules="FT401", assertion="self->exports == 0")[0] == (
        "gh-132551",
        "exact",
    )
    assert named("3.14.1", rules="FT401", assertion="self->exports == 0")[0] == (
        "gh-132551",
        "likely",
    )


def test_a_message_needs_something_that_says_whose_it_is() -> None:
    message = "PyMutex_Unlock: unlocking mutex that is not locked"
    assert all(
        level == "possible" for _, level in named("3.13.5", rules="FT402", fatal_error=message)
    )
    seen = {"rules": "FT402", "fatal_error": message, "families": "BaseException"}
    assert named("3.13.5", **seen)[0][1] == "possible", (
        "any use after free of a locked object may say so"
    )
    assert named("3.13.5", **seen, operations="__init__")[0] == ("gh-127192", "exact")
    assert (
        named("3.14.6", rules="FT402", fatal_error=message, modules="_greenlet.cpython-314t.so")[0][
            0
        ]
        == "greenlet#513"
    )


def test_another_attribute_is_another_matter() -> None:
    assert (
        named(
            "3.13.5",
            rules="FT105",
            types="function",
            operations="setattr:__qualname__ getattr:__name__",
        )[0][0]
        == "gh-153297"
    )
    assert (
        named(
            "3.13.5", rules="FT105", types="function", operations="setattr:__doc__ getattr:__doc__"
        )
        == []
    )


def test_types_that_every_program_shares_are_no_sign_alone() -> None:
    assert named("3.13.5", rules="FT105", types="list dict tuple") == []
    assert named("3.13.5", rules="FT101", types="list", operations="repr") == []


def test_the_crashs_rules_must_be_those_of_the_defect() -> None:
    assert named("3.13.5", rules="FT403", types="bytearray", operations="append clear") == []
    assert named("3.13.5", rules="FT303", python_functions="_ModuleLock.acquire Thread.join")[
        0
    ] == ("gh-125037", "exact")


def test_beside_an_exact_match_nothing_is_only_possible() -> None:
    assert {
        level
        for _, level in named("3.13.5", rules="FT105", types="bytearray", operations="append clear")
    } == {"exact"}


def test_the_reason_words_operations_as_they_were_reported() -> None:
    found = identify(
        "3.13.5", features(rules="FT204", types="classmethod", operations="__init__ repr")
    ).issues
    assert found[0].why == "classmethod; __init__"


def test_a_suspect_is_likely_where_its_own_code_crashed_and_possible_elsewhere() -> None:
    suspected: dict[str, str | bool | None] = {
        "types": "bytearray",
        "operations": "append clear",
        "is_certain": False,
    }
    assert named("3.13.5", **suspected)[0] == ("gh-129107", "possible")
    assert named("3.13.5", **suspected, frames="PyByteArray_Resize")[0] == ("gh-129107", "likely")
    assert named("3.13.5", **suspected, is_site=True)[0] == ("gh-129107", "likely")
    assert named("3.13.5", **suspected, frames="PyByteArray_Resize", is_victim=True)[0] == (
        "gh-129107",
        "possible",
    )


def test_a_duplicate_stands_behind_its_issue() -> None:
    found = named("3.13.5", rules="FT105", types="generator", operations="next")
    assert found[0] == ("gh-120321", "exact")
    assert all(level != "exact" for _, level in found[1:])


def test_nothing_known_nothing_said() -> None:
    assert named("3.13.5") == []
    assert (
        named(
            "3.13.5",
            rules="FT404",
            frames="my_extension_function main",
            modules="mine.so",
            signal="SIGSEGV",
        )
        == []
    )


def test_a_version_of_another_form_still_gets_an_answer() -> None:
    found = identify("3.13.5+dirty", features(types="bytearray", operations="append")).issues
    assert found[0].id == "gh-129107"
    assert "Fixed in 3.14.0a6" in found[0].advice


@pytest.mark.parametrize(
    ("version", "kind", "done", "advice"),
    [
        (
            "3.13.5",
            "types.SimpleNamespace",
            "repr setattr",
            "Upgrade to 3.13.6 or later (for free-threaded Python better the newest 3.14t).",
        ),
        ("3.14.0b3", "types.SimpleNamespace", "repr setattr", "Upgrade to 3.14.0b4 or later."),
        ("3.13.5", "bytearray", "append clear", "move to the newest 3.14t (3.14 or later)"),
        ("3.13.5", "classmethod", "__init__", "Not fixed in 3.13: only 3.15 or later has the fix."),
        ("3.14.2", "array.array", "append", "No release is known to have a fix."),
    ],
)
def test_advice_says_where_to_go_from_this_version(
    version: str, kind: str, done: str, advice: str
) -> None:
    assert advice in identify(version, features(types=kind, operations=done)).issues[0].advice


@pytest.mark.parametrize(
    "path",
    ["/src/Modules/_heapqmodule.c", "_heapq.cpython-313t-x86_64-linux-gnu.so", "heapq", "_heapq"],
)
def test_a_modules_source_its_shared_object_and_its_python_name_are_one(path: str) -> None:
    assert module_name(path) == "heapq"


def test_advice_does_not_send_away_from_a_version_that_an_issue_is_not_reported_for() -> None:
    issue = next(i for i in catalogue() if i.id == "gh-133932")
    assert advice_for(issue, parse_version("3.13.5"), "3.13.5").startswith(
        "Reported for 3.14.0-3.14.2, not for 3.13.5."
    )
    assert "Upgrade to 3.14.3" in advice_for(issue, parse_version("3.14.1"), "3.14.1")


def test_a_pre_release_older_than_the_fix_has_the_defect_as_the_releases_before_have() -> None:
    """gh-120321 was fixed in 3.15.0a6; nobody reported it for an earlier 3.15."""
    step = frozenset({Operation(kind=OperationKind.NEXT)})
    race = Candidate(types=frozenset({"generator"}), operations=step)
    features = CrashFeatures(candidates=(race,), frames=("gen_send_ex2", "gen_iternext"))
    levels = {
        version: next(i.match for i in identify(version, features).issues if i.id == "gh-120321")
        for version in ("3.14.0", "3.15.0a0")
    }
    assert levels == {"3.14.0": "exact", "3.15.0a0": "exact"}


def test_of_what_is_only_possible_the_better_suspects_issue_stands_first() -> None:
    """And what speaks against an issue puts it behind, however well it fits."""

    def stepped(kind: str) -> Candidate:
        return Candidate(
            types=frozenset({kind}), operations=operations("next next"), is_certain=False
        )

    kinds = ("itertools.groupby", "list_iterator")
    for first, second in (kinds, kinds[::-1]):
        crash = CrashFeatures(candidates=(stepped(first), stepped(second)), is_victim=True)
        found = [(issue.id, issue.match) for issue in identify("3.13.5", crash, limit=9).issues]
        best = "gh-150791" if first == "itertools.groupby" else "gh-124397"
        assert found[0] == (best, "possible")
        assert found[-1] == ("gh-143543", "possible")
