"""Redaction: no value of the program is left, in any format."""

import dataclasses

import pytest

from gdbext.model import (
    Address,
    AttributeSlot,
    Claim,
    Container,
    Data,
    Evidence,
    FilePath,
    Foreign,
    KeySlot,
    Operation,
    OperationKind,
    Report,
    ThreadName,
    ValueSlot,
)
from gdbext.reports.formats import FORMATS, render
from gdbext.reports.options import Options
from gdbext.reports.redact import free_text, redact, usual_name
from gdbext.wording import sentence
from unit.reports import samples

SECRETS = (
    "hunter2",
    "s3cret",
    "alice",
    "/home/ada",
    "project/",
    "repr(lst)",
    "lst.clear()  #",
    "alias->args, i",
)

HUNTED = Operation(kind=OperationKind.GETATTR, name="'hunter2'")


def secretive() -> Report:
    """A report with a secret in every place where a value can be."""
    report = samples.founding()
    finding = report.findings[0]
    evidence = (
        Evidence("item's value", 1, "hunter2", private=True),
        Evidence("a number of the program", 1, 424242, private=True),
        Evidence(
            "key 'hunter2' maps to b\"s3cret\\'s\" in /home/ada/project/x.py",
            1,
            "read from '/home/ada/project/s3cret'",
        ),
        Evidence("freed by alice worker, which owns it"),
    )
    reader = report.threads[1]
    native = dataclasses.replace(
        reader.native[0], arguments=("password='hunter2'", "n=424242", "self=0x200000aff10")
    )
    thread = dataclasses.replace(
        reader, name="alice worker", native=(native, *reader.native[1:]), doing="reads 'hunter2'"
    )
    assert report.race is not None
    race_thread = dataclasses.replace(report.race.threads[1], name="alice worker", operation=HUNTED)
    race = dataclasses.replace(report.race, threads=(report.race.threads[0], race_thread))
    container = report.containers[0]
    return dataclasses.replace(
        report,
        findings=(
            dataclasses.replace(
                finding,
                title="stale dict value: key 'hunter2' of alice worker",
                container=Container(finding.container.address, "dict", "'hunter2'"),
                evidence=evidence,
                advice="do not share 'hunter2'",
            ),
            *report.findings[1:],
        ),
        threads=(report.threads[0], thread),
        race=race,
        suspects=(race,),
        containers=(
            dataclasses.replace(
                container,
                slots=(
                    dataclasses.replace(container.slots[0], index="'hunter2'"),
                    *container.slots[1:],
                ),
            ),
        ),
        pages=(dataclasses.replace(report.pages[0], owner="alice worker"),),
        errors=samples.partial().errors,
        known_issues=(
            dataclasses.replace(report.known_issues[0], why="alice worker reads 'hunter2'"),
        ),
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("verbose", [False, True])
def test_no_format_shows_a_value(format, verbose):
    report = secretive()
    options = Options(verbose=verbose, width=130, root="/home/ada/project")
    open_text = render(report, format, options)
    assert any(secret in open_text for secret in SECRETS)
    shown = render(report, format, dataclasses.replace(options, redact=True))
    for secret in (*SECRETS, "424242", hex(424242)[2:]):
        assert secret not in shown


def test_types_sizes_addresses_and_structure_stay():
    report = redact(samples.founding())
    base = samples.founding()
    assert report.findings[0].subject == base.findings[0].subject
    assert report.findings[0].container == base.findings[0].container
    assert report.findings[0].evidence[:1] == base.findings[0].evidence[:1]
    assert report.findings[0].title == base.findings[0].title
    assert report.signature == base.signature
    assert [f.function for f in report.threads[1].native] == [
        f.function for f in base.threads[1].native
    ]
    assert [(f.file, f.line, f.function) for f in report.threads[1].python[:1]] == [
        ("det_list.py", 17, "<lambda>")
    ]
    assert report.threads[1].native[1].arguments == ("self=0x200000aff10",)
    assert report.containers == base.containers
    assert report.pages == base.pages


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_doing_it_twice_changes_nothing(name):
    once = redact(samples.SAMPLES[name]())
    assert redact(once) == once
    twice = redact(redact(secretive()))
    assert twice == redact(secretive())


def test_a_new_string_field_does_not_leak():
    @dataclasses.dataclass(frozen=True)
    class Wider(Report):
        remark: str = ""

    base = samples.founding()
    values = {f.name: getattr(base, f.name) for f in dataclasses.fields(base)}
    redacted = redact(Wider(**values, remark="saw 'hunter2'"))
    assert isinstance(redacted, Wider)
    assert redacted.remark == "saw '…'"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("MainThread", "MainThread"),
        ("Thread-12 (handle_alice)", "Thread-12"),
        ("ThreadPoolExecutor-0_3", "ThreadPoolExecutor-0_3"),
        ("alice", None),
        ("MainThread of alice", None),
        ("Thread-1\nalice", None),
    ],
)
def test_only_names_that_cpython_gives_stay(name, kept):
    assert usual_name(name) == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the reader's item isn't the writer's", "the reader's item isn't the writer's"),
        ("x is 'a\\'b' and b\"c\"", "x is '…' and b\"…\""),
        ("cannot open /home/ada/x: no such file", "cannot open x: no such file"),
        ("(/srv/data/core.1)", "(core.1)"),
        ("~/x/y.py:3", "y.py:3"),
        ("a/b and 3/4", "a/b and 3/4"),
    ],
)
def test_free_texts_lose_quotes_and_folders(text, shown):
    assert free_text(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('thread "alice" runs put · thread "bob" runs put', "LWP 1 runs put · LWP 2 runs put"),
        (
            '"alice" (LWP 1) waits for it, held by "bob" (with block)',
            "LWP 1 waits for it, held by LWP 2 (with block)",
        ),
        ('thread "MainThread" changes the list', "thread MainThread changes the list"),
        ('"twin" (LWP 3) waits for "twin" (LWP 4)', "LWP 3 waits for LWP 4"),
        ('thread "twin" changes the list', "… changes the list"),
        ('the key "carol" is gone', 'the key "…" is gone'),
    ],
)
def test_threads_stay_apart_by_their_lwps(text, shown):
    report = samples.founding()
    named = {1: "alice", 2: "bob", 3: "twin", 4: "twin", 5: "MainThread"}
    threads = tuple(
        dataclasses.replace(report.threads[0], lwp=lwp, name=name) for lwp, name in named.items()
    )
    finding = dataclasses.replace(report.findings[0], title=text)
    once = redact(
        dataclasses.replace(report, threads=threads, race=None, suspects=(), findings=(finding,))
    )
    assert once.findings[0].title == shown
    assert redact(once).findings[0].title == shown


@pytest.mark.parametrize(
    ("claim", "shown"),
    [
        (Claim("null", slot=ValueSlot(Data("hunter2"))), "['…'] is NULL"),
        (Claim("null", slot=KeySlot(Data("hunter2"))), "key '…' is NULL"),
        (Claim("null", slot=ValueSlot(Address(0x200000AFF10))), "[0x200000aff10] is NULL"),
        (Claim("null", slot=ValueSlot(Address(0x3274_6E75_6820_6120))), "['…'] is NULL"),
        (Claim("null", slot=AttributeSlot("name")), ".name is NULL"),
        (Claim("null", slot=AttributeSlot("hunter 2")), ".… is NULL"),
        (Claim("null", slot=7), "item 7 is NULL"),
        (Claim("alive", type="the.hunter2", count=2), "a the.hunter2 with 2 references"),
        (Claim("alive", type="list", count=424242424242), "a list with … references"),
        (Claim("module-data", path=FilePath("/home/ada/x.so")), "data of x.so"),
        (
            Claim("text-not-address", size=8, address=Address(0x3274), text=Data("hunter2")),
            'cannot read 8 bytes at 0x3274, a pointer that looks like the text "…": '
            "something was written over it",
        ),
        (
            Claim("layout-unknown", message=Foreign("no 'hunter2' in /home/ada/x by alice")),
            "no '…' in x by LWP 1",
        ),
        (
            Claim(
                "wait-cycle",
                count=2,
                steps=tuple(
                    Claim(
                        "waits-for-holder",
                        waiter=Claim("thread", lwp=a, name=ThreadName(x), in_short=False),
                        lock=Claim("lock", lock="GIL", name=None, thread=None, address=Address(8)),
                        holder=Claim("thread", lwp=b, name=ThreadName(y), in_short=True),
                        how="recorded owner",
                    )
                    for a, x, b, y in ((1, "alice", 2, "MainThread"), (2, "MainThread", 1, "alice"))
                ),
            ),
            "a cycle of 2 threads waiting for each other's locks: LWP 1 waits for GIL 0x8, held by "
            '"MainThread" (recorded owner); "MainThread" (LWP 2) waits for GIL 0x8, '
            "held by LWP 1 (recorded owner)",
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Claim) else "",
)
def test_claims_lose_what_their_arguments_mark_as_private(claim, shown):
    report = samples.founding()
    threads = tuple(
        dataclasses.replace(report.threads[0], lwp=lwp, name=name)
        for lwp, name in ((1, "alice"), (2, "MainThread"))
    )
    finding = dataclasses.replace(report.findings[0], title=claim, evidence=(Evidence(claim),))
    report = dataclasses.replace(
        report, threads=threads, race=None, suspects=(), findings=(finding,)
    )
    once = redact(report)
    assert sentence(once.findings[0].title) == shown
    assert sentence(once.findings[0].evidence[0].claim) == shown
    assert redact(once) == once
    for format in FORMATS:
        assert "ada/" not in render(report, format, Options(redact=True))
