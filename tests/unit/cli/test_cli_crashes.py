"""``gdbext crashes`` over stores made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gdbext.cli.main import main
from gdbext.reports.formats import FORMATS
from gdbext.store.database import Store
from unit.store.entries import EVIL, START, entry, failed, month


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("store") / "crashes.db")
    with Store.create(path) as made:
        for each in month():
            made.add(each)
    return path


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["crashes", *words]) == status
    shown = capsys.readouterr()
    return shown.err if status > 1 else shown.out


def test_list(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "list", store).splitlines()
    assert (
        lines[0] == "198 crashes, 10 signatures, 2026-11-02 00:00 to 2026-11-29 03:00 UTC, 2 rising"
    )
    assert lines[1].startswith("   83  FT101  stale list item")
    assert "[proven, known gh-132713]" in lines[1]
    assert "RISES: 73 in the last 7 days, 5 in the 20 days before" in lines[3]
    assert "NEW" in lines[5]
    assert lines[-2:] == ["not diagnosed:", "       /c/empty: it is empty"]


def test_list_of_a_span(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(
        said(
            capsys, "list", store, "--json", "--since", "2026-11-03", "--until", "2026-11-05T00:00"
        )
    )
    assert content["schema"] == "gdbext.crashes/1"
    assert {s["id"][0]: s["crashes"] for s in content["signatures"]} == {"f": 7, "1": 1, "2": 1}


def test_new(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "new", store).splitlines()
    assert lines[0].startswith("1 new signature since 2026-11-22")
    assert "FT105" in lines[1]
    assert lines[3] == "rising:"
    assert "FT102" in lines[4]
    assert len(lines) == 6
    assert main(["crashes", "new", store, "--fail-on-new"]) == 1
    assert main(["crashes", "new", store, "--fail-on-new", "--since", "2026-11-29"]) == 0


def test_new_against_a_baseline(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.jsonl"
    marks = ["f21a279fe5e87a52", "b" * 16, *(str(n) * 16 for n in range(7))]
    old.write_text("".join(json.dumps(entry("/c/x", mark)) + "\n" for mark in marks))
    lines = said(capsys, "new", store, "--baseline", str(old)).splitlines()
    assert lines[0] == f"1 new signature not in {old}"
    assert "FT102" in lines[1]
    assert said(capsys, "new", store, "--baseline", store).startswith("0 new signatures")
    assert "give one of both" in said(
        capsys, "new", store, "--baseline", store, "--since", "7d", status=2
    )


def test_show(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "show", store, "aaa", "--cores", "2")
    assert "2026-11-29 03:00 UTC  /c/rise.27.11" in shown
    assert "and 76 more" in shown
    assert "CPython 3.14.0 free-threaded" in shown
    assert "gdbext crashes list shows all" in said(capsys, "show", store, "xyz", status=2)


@pytest.mark.parametrize("format", FORMATS)
def test_show_writes_the_report_in_every_format(
    store: str, format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert said(capsys, "show", store, "f21a", "--format", format, "-o", str(out)) == ""
    assert out.stat().st_size > 100


def test_a_signature_must_be_told_from_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "crashes.db")
    with Store.create(path) as made:
        made.add(entry("/c/1", "ab"))
        made.add(entry("/c/2", "abc"))
        made.add(entry("/c/3", "abd"))
    assert "3 signatures begin with a" in said(capsys, "show", path, "a", status=2)
    assert "/c/1" in said(capsys, "show", path, "ab")


def test_html(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    said(capsys, "html", store, "-o", str(page))
    assert page.read_text() == said(capsys, "html", store)
    assert "cannot write" in said(capsys, "html", store, "-o", str(tmp_path / "no" / "x"), status=2)


def test_nothing_of_the_target_is_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "crashes.db")
    with Store.create(path) as made:
        made.add(entry(EVIL, "e" * 16, START, EVIL, (EVIL, EVIL)))
        made.add(failed(EVIL, EVIL))
    for words in (("list", path), ("new", path), ("show", path, "e"), ("html", path)):
        shown = said(capsys, *words)
        assert "\x1b" not in shown
        assert "\n::" not in shown


def test_what_is_wrong_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--store" in said(capsys, "list", str(tmp_path / "nothing"), status=3)
    assert "is not a date" in said(capsys, "list", "x", "--since", "soon", status=2)
    assert said(capsys, status=2)
    with Store.create(str(tmp_path / "empty.db")):
        pass
    assert said(capsys, "list", str(tmp_path / "empty.db")) == "0 crashes, 0 signatures\n"
    assert said(capsys, "new", str(tmp_path / "empty.db")).startswith("0 new signatures")
