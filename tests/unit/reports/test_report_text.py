"""The verdict on one screen."""

import dataclasses

import pytest

from gdbext.model import (
    Address,
    Claim,
    Confidence,
    Evidence,
    Finding,
    PythonFrame,
    SourceLine,
    Subject,
)
from gdbext.reports import html_page, markdown, story, text
from gdbext.reports.options import Options
from gdbext.reports.style import plain
from gdbext.reports.text_parts import (
    TextPage,
    aligned,
    display_width,
    excerpt,
    join_fitting,
    stack,
    with_mark,
    wrap,
)
from gdbext.wording import sentence
from unit.reports import samples

FOUNDING = """\
CPython 3.13.5 free-threaded (debug) · core of python3.13 · SIGSEGV reading 0x19 · 2 threads
FT101 stale list item: repr(list) uses a typing.Union that was freed                          proven
  thread 2 "reader" (LWP 18453)  det_list.py:17 in <lambda>  repr(lst)
    #1  union_repr(self=0x200000aff10)   unionobject.c:257
    #3  list_repr_impl(v=0x20000375fb0)  listobject.c:613   item 2
        256              goto done;  /* alias->args is borrowed */
      ▸ 257          PyObject *p = PyTuple_GET_ITEM(alias->args, i);
        258          if ((err = unions_item_repr(writer, p)) < 0) {
  object 0x200000aff10  expected types.UnionType  ✗ freed
    block free: 64-byte page 0x20000090000, on local_free: freed by the thread that owns the page,
    MainThread: 0x200000aff80
    refcount merged to 0: 3
  ✗ ob_type is the freed fill: 0xdddddddddddddddd
  ✗ args is not a tuple: 1
  list 0x20000375fb0  item 2
    length now: 0
  ✗ the reader is at item 2: the list shrank under it
FT203 list changed under its reader: it is shorter than the reader's position                 proven
    list_repr_impl is at item 2 (its local `i`)
race   list 0x20000375fb0 used by 2 threads at once                                           likely
       MainThread  det_list.py:14 in mutate    list.clear             lst.clear()  # frees the unio…
       reader      det_list.py:17 in <lambda>  repr · holds its lock  repr(lst)
       list_repr took no lock and borrowed its items (before 3.13.4)
known  gh-132713  repr(list) kept a borrowed reference · exact match · fixed in 3.13.4, 3.14.0b1 ·
       upgrade
advice Upgrade, or hold a lock of your own around repr(lst) and lst.clear().
next   ft list 0x20000375fb0 · ft union 0x200000aff10 · ft heap 0x200000aff10
       ft referrers 0x20000375fb0 · ft threads · ft locks
       layouts from DWARF · gdbext 0.1.0 in gdb 18.1 · signature 3f0c9a51d2e8b764
"""


def test_the_founding_crash_on_one_screen():
    assert text.render(samples.founding(), Options(width=100)) == FOUNDING


def test_colours_only_add():
    assert plain(
        text.render(samples.founding(), Options(colors=256, width=100))
    ) == FOUNDING.replace("`i`", "i")


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize(
    "options",
    [
        Options(width=80),
        Options(width=130, verbose=True, colors=16),
        Options(ascii=True),
        Options(redact=True),
    ],
)
def test_every_sample_can_be_shown(name, options):
    shown = text.render(samples.SAMPLES[name](), options)
    assert plain(shown).startswith("CPython ")
    assert len(shown) < 1_000_000
    for line in plain(shown).split("\n"):
        assert line.isprintable(), line
    if options.ascii:
        assert shown.isascii()


@pytest.mark.parametrize(
    "name", ["founding", "healthy", "assertion", "victim", "deadlock", "partial", "many threads"]
)
@pytest.mark.parametrize("width", [80, 100, 130])
def test_lines_fit_the_page(name, width):
    for line in text.render(samples.SAMPLES[name](), Options(width=width)).split("\n"):
        assert display_width(line) <= width, line


@pytest.mark.parametrize(
    "name", ["founding", "healthy", "assertion", "victim", "deadlock", "huge", "many threads"]
)
def test_the_verdict_is_about_one_screen(name):
    assert text.render(samples.SAMPLES[name](), Options(width=100)).count("\n") <= 60


def test_addresses_can_be_pasted():
    for line in text.render(samples.huge(), Options(width=80, colors=16, verbose=True)).split("\n"):
        assert "0x200000aff1\n" not in line
    assert "0x200000aff10" in text.render(samples.founding(), Options(width=40))


def test_what_is_broken_has_a_sign():
    shown = text.render(samples.founding(), Options())
    assert "✗ args is not a tuple" in shown
    assert "✗ freed" in shown
    assert "X args is not a tuple" in text.render(samples.founding(), Options(ascii=True))


def test_a_healthy_process():
    shown = text.render(samples.healthy(), Options())
    assert shown.startswith(
        "CPython 3.14.2 free-threaded · process 500 of python3.14t · 2 threads\n"
        "✓ FT000 nothing wrong found"
    )
    assert "✗" not in shown


def test_a_lock_that_is_no_object_is_looked_at_as_a_lock():
    report = samples.deadlock()
    address = report.threads[0].waits_for
    assert address is not None
    finding = dataclasses.replace(report.findings[0], subject=Subject(address))
    assert story.next_commands(dataclasses.replace(report, findings=(finding,)))[0] == (
        f"ft locks {address:#x}"
    )
    elsewhere = dataclasses.replace(finding, subject=Subject(address + 64))
    assert story.next_commands(dataclasses.replace(report, findings=(elsewhere,)))[0] == (
        f"ft object {address + 64:#x}"
    )


def test_a_reenabled_gil_is_told():
    report = samples.healthy()
    report = dataclasses.replace(
        report, target=dataclasses.replace(report.target, gil_enabled=True)
    )
    assert "free-threaded (GIL on)" in text.render(report, Options())


def test_an_assertion_and_a_fatal_error_are_in_the_headline():
    report = samples.assertion()
    assert "SIGABRT: assertion failed: PyTuple_Check(alias->args)" in text.render(report, Options())
    assert report.crash is not None
    fatal = dataclasses.replace(
        report,
        crash=dataclasses.replace(
            report.crash, assertion=None, fatal_error="f: deallocated a live object"
        ),
    )
    assert "SIGABRT: fatal error: f: deallocated a live object" in text.render(fatal, Options())


def test_failed_sections_are_told_and_the_rest_stands():
    shown = text.render(samples.partial(), Options())
    assert "errors 2 sections failed; the rest of the report is valid" in shown
    assert "✗ threads: cannot read 8 bytes at 0x5555559c4010" in shown
    assert "FT101 stale list item" in shown


def test_nothing_known_is_no_verdict():
    assert "no verdict" in text.render(samples.empty(), Options())


def test_a_victim_is_told():
    assert (
        "victim the crashing code is not the cause: mi_page_malloc followed a link"
        in text.render(samples.victim(), Options())
    )


def test_a_line_that_did_the_damage_is_told_and_a_guess_is_told_as_one():
    report = samples.founding()
    assert report.race is not None
    first, second = report.race.threads
    first = dataclasses.replace(first, line=15, suspect_line=14, changes=True)
    race = dataclasses.replace(report.race, threads=(first, second))
    assert "modified it at line 14" in text.render(
        dataclasses.replace(report, race=race), Options(width=130)
    )
    reader = dataclasses.replace(first, changes=False)
    read = dataclasses.replace(race, threads=(reader, second))
    said = text.render(dataclasses.replace(report, race=read), Options(width=130))
    assert " used it at line 14" in said
    assert "modified it" not in said
    guess = dataclasses.replace(race, confidence=Confidence.POSSIBLE)
    said = text.render(dataclasses.replace(report, race=guess), Options(width=130))
    assert "may have used it at line 14" in said
    assert "modified it" not in said


def frame_at(line: str, column: int | None, end: int | None, end_line: int = 3) -> PythonFrame:
    excerpt = (SourceLine(2, "def work():"), SourceLine(3, line))
    return PythonFrame(
        "a.py",
        3,
        "work",
        source=line.strip(),
        excerpt=excerpt,
        column=column,
        end_line=end_line,
        end_column=end,
    )


@pytest.mark.parametrize(
    ("frame", "parts"),
    [
        (frame_at("    a.clear(); a.spin(x)", 15, 24), ("a.clear(); ", "a.spin(x)", "")),
        (frame_at("\tf(g(x))", 3, 7), ("f(", "g(x)", ")")),
        (frame_at("    ä('ü'); g()", 14, 17), ("ä('ü'); ", "g()", "")),
        (frame_at("    x = f(  # first", 8, 3, end_line=5), ("x = ", "f(  # first", "")),
        (frame_at("    f(x)", 4, 8), None),
        (frame_at("    f(x)  # all of it", 4, 8), None),
        (frame_at("    f(x)", None, None), None),
        (frame_at("    f(x)", 4, 80), None),
        (frame_at("    f(x)", 9, 8), None),
    ],
)
def test_what_of_a_line_runs(frame: PythonFrame, parts: tuple[str, str, str] | None) -> None:
    assert story.running_part(frame) == parts


def test_a_frame_without_its_source_has_no_running_part() -> None:
    bare = dataclasses.replace(frame_at("f(g(x))", 2, 6), excerpt=())
    assert story.running_part(bare) is None


@pytest.mark.parametrize(
    ("parts", "room", "expected"),
    [
        (("f(", "g(x)", ")"), 20, ("f(g(x))", "  ^^^^")),
        (("f(", "g(x)", ")"), 6, ("f(g(x…", "  ^^^^")),
        (("far_too_long(); ", "g(x)", "; h()"), 8, ("…g(x);…", " ^^^^")),
        (("f(); ", "far_too_long(x)", ""), 8, ("…far_to…", " ^^^^^^^")),
        (("語 ", "g()", ""), 20, ("語 g()", "   ^^^")),
    ],
)
def test_the_mark_stands_below_what_runs(
    parts: tuple[str, str, str], room: int, expected: tuple[str, str]
) -> None:
    assert with_mark(parts, room) == expected


def test_a_race_marks_the_call_that_runs() -> None:
    report = samples.founding()
    main = samples.main_thread()
    line = "lst.append(3); lst.clear()"
    frame = dataclasses.replace(
        main.python[0],
        source=line,
        excerpt=(SourceLine(14, f"    {line}"),),
        column=19,
        end_line=14,
        end_column=30,
    )
    threads = tuple(
        dataclasses.replace(t, python=(frame, *t.python[1:])) if t.lwp == main.lwp else t
        for t in report.threads
    )
    rows = text.render(dataclasses.replace(report, threads=threads), Options(width=110)).split("\n")
    at = next(i for i, row in enumerate(rows) if line in row)
    assert rows[at + 1] == " " * rows[at].index("lst.clear()") + "^" * len("lst.clear()")


def test_a_doubtful_race_names_the_next_suspects():
    report = samples.founding()
    assert "other candidates:" not in text.render(report, Options())
    assert report.race is not None
    doubtful = dataclasses.replace(
        report, race=dataclasses.replace(report.race, confidence=Confidence.POSSIBLE)
    )
    assert (
        "other candidates: list 0x20000375fb0 (likely), dict 0x200003a0010 (possible)"
        in text.render(doubtful, Options())
    )


def test_verbose_has_all_evidence_in_the_debuggers_form():
    report = samples.huge()
    brief, full = (text.render(report, Options(verbose=v)) for v in (False, True))
    assert "more claims (verbose shows all)" in brief
    assert "more claims" not in full
    assert "claim number 299" in full
    assert "args is not a tuple  0x200000aff30: 1" in full


def test_verbose_has_every_threads_merged_stack():
    shown = text.render(samples.founding(), Options(verbose=True, width=100))
    assert "  ✗ #0   unions_item_repr(p=0x1)          unionobject.c:231\n" in shown
    assert "    py   <lambda>                         det_list.py:17        repr(lst)\n" in shown


def test_no_line_is_a_command_to_a_ci_service():
    report = samples.hostile("\n::error::x ##[group]")
    for width in range(40, 131, 3):
        for line in text.render(report, Options(width=width, verbose=True)).split("\n"):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line


def test_wide_and_combining_characters_count_as_they_show():
    assert display_width("雪") == 2
    assert display_width("e\u0301") == 1
    assert display_width("\x1b[1;31mab\x1b[0m") == 2
    assert aligned([["雪", "x"], ["ab", "y"]]) == ["雪  x", "ab  y"]


def test_words_are_never_broken():
    assert wrap("a 0x200000aff10 b", 5) == ["a", "0x200000aff10", "b"]
    assert join_fitting(["ft list 0x1", "ft locks"], 10) == ["ft list 0x1", "ft locks"]
    assert join_fitting(["a", "b"], 10) == ["a · b"]


def test_a_long_stack_is_cut_with_a_sign():
    page = TextPage(Options())
    stack(page, samples.huge().threads[1], limit=5)
    rows, cut, source = page.text().partition("more frames\n")
    assert cut
    assert rows.count("\n") == 5
    assert source.startswith("  #1 unionobject.c:257 in union_repr\n")
    assert "▸ 257          PyObject *p" in source


def test_an_excerpt_marks_its_line():
    page = TextPage(Options(colors=16))
    excerpt(page, samples.reader().python[0].excerpt, 17, "python")
    lines = plain(page.text()).split("\n")
    assert lines[3] == '  ▸ 17  threading.Thread(target=lambda: repr(lst), name="reader").start()'
    assert lines[0] == "    14      lst.clear()  # frees the unions that the reader walks over"
    assert "\x1b[" in page.text()


def test_a_tables_header_stands_over_its_columns():
    page = TextPage(Options())
    page.table([["1", "MainThread"], ["22", "reader"]], indent=1, header=["#", "name"])
    assert page.text() == " #   name\n 1   MainThread\n 22  reader\n"


def test_evidence_stands_with_what_it_is_about():
    """Whoever makes evidence says so; what lies in a container's header is the container's."""
    report = samples.founding()
    finding = report.findings[0]
    evidence = (
        Evidence("took it as its local `item`", None, samples.UNION),
        Evidence("it shrank under its reader", about=samples.LIST),
        Evidence("length", samples.LIST + 32, 0),
        Evidence("the list was walked"),
    )
    shown = text.render(
        dataclasses.replace(report, findings=(dataclasses.replace(finding, evidence=evidence),)),
        Options(),
    )
    assert (
        "    took it as its local `item` · the list was walked\n  list 0x20000375fb0  item 2\n"
        "    it shrank under its reader · length: 0\n"
    ) in plain(shown)


@pytest.mark.parametrize("is_headline", [False, True])
def test_a_races_claims_are_told_once(is_headline):
    report = samples.founding()
    race = Finding(
        "FT301",
        "unsynchronised sharing",
        Confidence.LIKELY,
        threads=(samples.READER,),
        evidence=report.race.evidence,
    )
    findings = (race, *report.findings) if is_headline else (*report.findings, race)
    shown = text.render(dataclasses.replace(report, findings=findings), Options(width=100))
    assert shown.count(sentence(report.race.evidence[0].claim)) == 1


def test_a_healthy_process_is_shown_thread_by_thread():
    report = samples.SAMPLES["healthy"]()
    lines = text.render(report, Options(width=130)).splitlines()
    for thread in report.threads:
        assert any(line.strip().startswith(thread.name) and thread.state in line for line in lines)


@pytest.mark.parametrize("render", [text.render, markdown.render, html_page.render])
def test_a_test_that_others_run_is_told_where_the_crashed_thread_has_none(render):
    report = samples.founding()
    name = "tests/test_box.py::test_put (call)"
    alone = [dataclasses.replace(t, test=name if t.crashed else None) for t in report.threads]
    others = [dataclasses.replace(t, test=None if t.crashed else name) for t in report.threads]
    told = render(dataclasses.replace(report, threads=tuple(others)), Options())
    assert "test_put" in told
    assert " runs in " in told
    assert " runs in " not in render(dataclasses.replace(report, threads=tuple(alone)), Options())


def test_of_two_frames_at_one_line_the_races_own_is_shown():
    """A function that calls itself has several frames there."""
    report = samples.founding()
    own = report.threads[0].python[0]
    twin = dataclasses.replace(own, frame=own.frame + 0x100, source="another()")
    thread = dataclasses.replace(report.threads[0], python=(twin, *report.threads[0].python))
    report = dataclasses.replace(report, threads=(thread, *report.threads[1:]))
    reader = next(t for t in report.race.threads if t.lwp == thread.lwp)
    assert story.race_frame(report, reader) == own
    assert story.race_frame(report, dataclasses.replace(reader, frame=None)) is None


def test_a_small_address_is_no_count():
    assert story.value_text(Address(0x10)) == "0x10"
    assert story.value_text(16) == "16"


def test_a_value_does_not_stand_behind_a_claim_that_says_it():
    owner = Evidence(Claim("pthread-mutex-owner", lwp=14554), 0x7F0000001008, 14554)
    assert story.claim_text(owner) == "as a pthread mutex it is locked by LWP 14554"
    attached = Evidence(Claim("still-attached", lwp=16757), 0x7F0000002000, 1)
    assert story.claim_text(attached) == "LWP 16757 is still attached (its state is 1)"
    kind = Evidence(Claim("type-is", type="list"), 0x200000AFF28, 0x9C1A40)
    assert story.claim_text(kind) == "ob_type is list: 0x9c1a40"


@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGBUS", "SIGABRT"])
def test_a_scan_is_next_where_the_damage_may_be_elsewhere(signal):
    victim = samples.victim()
    assert "ft scan" in story.next_commands(victim)
    assert "ft scan" not in story.next_commands(samples.founding())
    fault = Finding("FT404", "in strlen", Confidence.LIKELY, kind="plain")
    crash = dataclasses.replace(victim.crash, victim=False, signal=signal)
    plain = dataclasses.replace(victim, crash=crash, findings=(fault,))
    assert ("ft scan" in story.next_commands(plain)) == (signal != "SIGABRT")


def test_what_had_not_ended_in_its_time_is_not_called_well_and_shows_what_its_threads_do():
    shown = text.render(samples.over_time(), Options(width=110))
    headline, verdict = shown.split("\n")[:2]
    assert headline.endswith("stopped: it had not ended after 60 s · 2 threads")
    assert verdict.startswith(
        "FT000 no cause found: it had not ended after 60 s; 1 thread is running"
    )
    assert verdict.endswith("possible")
    assert "    Thread-1 (serve)  detached  server.py:44 in serve" in shown
    assert "✓" not in shown
    assert "ft bt all" in shown
    assert "✅" not in markdown.render(samples.over_time(), Options())
    assert "healthy" not in html_page.render(samples.over_time(), Options()).split("<main")[1]


def advised(second: Finding):
    report = samples.founding()
    return dataclasses.replace(report, findings=(report.findings[0], second))


@pytest.mark.parametrize(
    ("confidence", "address", "is_shown"),
    [
        (Confidence.LIKELY, 0x7000, True),
        (Confidence.LIKELY, None, True),
        (Confidence.POSSIBLE, 0x7000, False),
        (Confidence.PROVEN, samples.UNION, False),
    ],
    ids=["another object", "no object", "possible", "a consequence"],
)
def test_the_formats_give_the_same_advice(confidence, address, is_shown):
    subject = Subject(address) if address else None
    report = advised(Finding("FT206", "other", confidence, subject, advice="Mend the other."))
    for module in (text, markdown, html_page):
        shown = module.render(report, Options())
        assert "Upgrade, or hold a lock" in shown
        assert ("Mend the other." in shown) is is_shown
