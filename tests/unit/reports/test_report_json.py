"""The contract and its schema."""

import copy
import json
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest

from gdbext.model import Claim, Finding, Operation, OperationKind, Report, Signature
from gdbext.reports.contract import to_json
from gdbext.reports.json_report import NotAReport, from_data, parse, render, schema
from gdbext.reports.options import Options
from unit.reports import samples

VALIDATOR = jsonschema.Draft202012Validator(schema())

# DESIGN 3.3, name by name; none of them may ever go.
FIXED = {
    "schema": None,
    "tool": ["name", "version", "debugger"],
    "target": [
        "kind",
        "path",
        "executable",
        "build_id",
        "python_version",
        "free_threaded",
        "debug_build",
        "gil_enabled",
        "layout_source",
    ],
    "crash": ["signal", "code", "address", "thread", "assertion", "fatal_error", "victim"],
    "findings": [
        "rule",
        "title",
        "confidence",
        "subject",
        "container",
        "threads",
        "evidence",
        "advice",
    ],
    "race": ["confidence", "object", "threads"],
    "known_issues": ["id", "url", "match", "fixed_in", "advice"],
    "signature": ["id", "frames", "features"],
    "threads": ["lwp", "name", "crashed", "state", "native", "python", "holds", "waits_for"],
    "errors": ["section", "message"],
}
PATHS = [(part, name) for part, names in FIXED.items() for name in names or [None]]


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize("redact", [False, True])
def test_every_sample_is_valid(name, redact):
    text = render(samples.SAMPLES[name](), Options(redact=redact))
    VALIDATOR.validate(json.loads(text))
    assert text.isascii()
    assert all(c >= " " or c == "\n" for c in text)


@pytest.mark.parametrize(("part", "name"), PATHS)
def test_a_report_without_a_fixed_name_is_invalid(part, name):
    report = json.loads(render(samples.partial(), Options()))
    full = json.loads(render(samples.founding(), Options()))
    broken = {**full, "errors": report["errors"]}
    if name is None:
        del broken[part]
    else:
        owner = broken[part][0] if isinstance(broken[part], list) else broken[part]
        del owner[name]
    assert not VALIDATOR.is_valid(broken)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("findings", 0, "confidence"), "certain"),
        (("findings", 0, "rule"), "101"),
        (("findings", 0, "subject", "address"), 12),
        (("findings", 0, "subject", "liveness"), "zombie"),
        (("findings", 0, "evidence", 0, "value"), 3),
        (("target", "kind"), "dump"),
        (("target", "layout_source"), "guess"),
        (("crash", "address"), "19"),
        (("signature", "id"), "xyz"),
        (("schema",), "gdbext.triage/2"),
        (("threads", 0, "holds"), [1]),
        (("known_issues", 0, "match"), "maybe"),
    ],
)
def test_wrong_values_are_invalid(path, value):
    report = json.loads(render(samples.founding(), Options()))
    VALIDATOR.validate(report)
    owner = report
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = value
    assert not VALIDATOR.is_valid(report)


def test_additions_are_allowed():
    report = json.loads(render(samples.founding(), Options()))
    more = copy.deepcopy(report)
    more["new"] = more["findings"][0]["new"] = more["threads"][0]["native"][0]["new"] = {"x": 1}
    VALIDATOR.validate(more)


@pytest.mark.parametrize(
    ("slot", "name"),
    {
        "tp_repr": "repr(int)",
        "tp_str": "str(int)",
        "tp_hash": "hash(int)",
        "tp_call": "calling a int",
        "tp_iter": "iter(int)",
        "tp_iternext": "next(int)",
        "tp_richcompare": "comparing a int",
        "tp_init": "int.__init__()",
        "tp_new": "int.__new__()",
        "tp_dealloc": "deallocating a int",
        "tp_traverse": "garbage-collecting a int",
        "tp_clear": "clearing a int",
        "tp_getattro": "reading an attribute of a int",
        "tp_setattro": "setting an attribute of a int",
        "tp_descr_get": "int.__get__()",
        "sq_length": "len(int)",
        "mp_length": "len(int)",
        "sq_item": "int[i]",
        "sq_contains": "x in int",
        "sq_concat": "int + x",
        "sq_repeat": "int * n",
        "sq_ass_item": "int[i] = x",
        "mp_subscript": "int[x]",
        "mp_ass_subscript": "int[x] = y",
        "bf_getbuffer": "bf_getbuffer of int",
    }.items(),
)
def test_a_signatures_feature_has_the_name_that_it_always_had(slot: str, name: str):
    """Signatures are kept and compared; what people are told may be worded anew."""
    done = Operation(kind=OperationKind.SLOT, type="int", slot=slot)
    assert to_json(Signature("0" * 16, (), (done,)))["features"] == [name]


def test_operations_among_a_signatures_features_are_in_the_order_of_the_alphabet():
    """Which thread does which is no feature of a race."""
    both = (
        Operation(kind=OperationKind.SLOT, name="repr", type="list", slot="tp_repr"),
        Operation(kind=OperationKind.CALL, name="clear"),
    )
    lengths = tuple(
        Operation(kind=OperationKind.SLOT, name="len", type="list", slot=slot)
        for slot in ("sq_length", "mp_length")
    )
    for operations in (both, both[::-1]):
        mark = Signature("00", (), ("FT102", "dict", *operations, *lengths, "gh-1"))
        assert to_json(mark)["features"] == [
            "FT102", "dict", "clear", "len(list)", "repr(list)", "gh-1",
        ]  # fmt: skip


def test_the_founding_crash_says_what_design_says():
    report = json.loads(render(samples.founding(), Options()))
    assert next(iter(report)) == "schema"
    assert report["crash"]["address"] == "0x19"
    assert report["findings"][0]["container"] == {
        "address": "0x20000375fb0",
        "type": "list",
        "index": 2,
    }
    assert report["race"]["threads"][0]["line"] == 14
    assert report["threads"][1]["holds"] == ["0x20000375fba"]


@pytest.mark.parametrize("text", [*samples.HOSTILE, '"##[error]\\', "##vso[x]", "\x7f"])
def test_strings_survive_as_they_are_and_obey_nobody(text):
    report = samples.hostile(text)
    shown = render(report, Options())
    assert json.loads(shown) == json.loads(json.dumps(to_json(report)))
    assert "##[" not in shown
    assert "##vso[" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.split("\n"))


# --- read back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["founding", "healthy", "assertion"])
def test_a_report_is_read_back_as_it_was(name: str) -> None:
    report = getattr(samples, name)()
    written = render(report, Options())
    read = parse(written)
    # Claims come back as their texts; all else is as it was.
    assert render(read, Options()) == written
    assert (read.findings, read.threads, read.crash) == (
        report.findings,
        report.threads,
        report.crash,
    )
    if report.race is not None and read.race is not None:
        assert read.race.threads == report.race.threads


def test_every_claim_of_a_report_may_be_read_back_as_its_text() -> None:
    """A claim that only may be one cannot be read from JSON, and the whole report with it."""
    seen: set[Any] = set()
    wanting = []

    def look(kind: Any, where: str) -> None:
        if isinstance(kind, type) and is_dataclass(kind):
            if kind in seen or kind is Claim:
                return
            seen.add(kind)
            for name, its in get_type_hints(kind).items():
                if Claim in get_args(its) and str not in get_args(its):
                    wanting.append(f"{kind.__name__}.{name}")
                look(its, f"{kind.__name__}.{name}")
        for part in get_args(kind):
            look(part, where)

    look(Report, "report")
    assert Finding in seen
    assert wanting == []


def test_an_operation_of_a_later_version_is_read_as_its_text() -> None:
    data = to_json(samples.founding())
    thread = data["race"]["threads"][0]
    thread["operation_value"]["kind"] = "teleport"
    read = from_data(data)
    assert read.race is not None
    assert read.race.threads[0].operation == thread["operation"]


def test_members_of_later_versions_are_left_out() -> None:
    data = to_json(samples.founding())
    data["later"] = 1
    data["crash"]["mood"] = "bad"
    assert from_data(data).crash == samples.founding().crash


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "not a report"),
        ('{"schema": "other/1"}', "not a report"),
        ('{"schema": "gdbext.triage/1"}', "report"),
    ],
)
def test_what_is_no_report_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(NotAReport, match=complaint):
        parse(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("findings",), {}),
        (("findings", 0, "confidence"), "sure"),
        (("findings", 0, "subject", "address"), "nowhere"),
        (("target",), None),
        (("threads", 0, "lwp"), True),
        (("threads", 0, "native"), [1]),
    ],
)
def test_a_wrong_value_is_named_by_its_place(path: tuple[Any, ...], value: Any) -> None:
    data = to_json(samples.founding())
    owner = data
    for name in path[:-1]:
        owner = owner[name]
    owner[path[-1]] = value
    with pytest.raises(NotAReport, match=rf"report.*{path[-1]}|report\."):
        from_data(data)
