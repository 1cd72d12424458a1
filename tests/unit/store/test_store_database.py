"""The store's file: what goes in comes out, once; two writers and a full disk lose nothing."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sqlite3
from pathlib import Path

import pytest

from gdbext.store.database import FORMAT, Store, StoreError
from unit.store.entries import DAY, START, entry, failed, month

FORK = multiprocessing.get_context("fork")


def test_an_entry_comes_back_as_it_was_and_counts_once(tmp_path: Path) -> None:
    path = str(tmp_path / "crashes.db")
    one, other = entry("/c/1"), failed("/c/2")
    with Store.create(path) as store:
        for _ in range(2):
            store.add(one)
            store.add(other)
    with Store.open(path) as store:
        assert store.size == 2
        assert store.find("/c/1", 1000, START) == one
        assert store.find("/c/2", 1000, START) == other
        assert store.find("/c/1", 1000, START + 1) is None
        assert store.find("/c/1", None, None) is None


def test_a_core_of_unknown_size_and_time_is_one_core(tmp_path: Path) -> None:
    gone = {**entry("/c/1"), "size": None, "mtime": None}
    with Store.create(str(tmp_path / "crashes.db")) as store:
        store.add(gone)
        store.add(gone)
        assert store.size == 1
        assert store.find("/c/1", None, None) == gone


def test_a_later_report_takes_a_failures_place_and_not_the_other_way(tmp_path: Path) -> None:
    with Store.create(str(tmp_path / "crashes.db")) as store:
        store.add(failed("/c/1", "its worker died"))
        store.add(entry("/c/1"))
        store.add(failed("/c/1", "its worker died"))
        assert store.find("/c/1", 1000, START) == entry("/c/1")
        assert store.failures() == []


def test_summaries(tmp_path: Path) -> None:
    weak = [{"rule": "FT404", "title": "fault", "confidence": "possible", "evidence": []}]
    with Store.create(str(tmp_path / "crashes.db")) as store:
        store.add(entry("/c/1", "a" * 16, START, findings=weak))
        store.add(entry("/c/2", "a" * 16, START + 5, "3.14.0", ("FT101", "stale")))
        store.add(entry("/c/3", "a" * 16, START + 2, "3.14.0", findings=weak))
        store.add(entry("/c/4", "b" * 16, START + DAY))
        store.add(failed("/c/5"))
        first, other = store.summaries()
        assert (first.signature, first.count, first.first, first.last) == (
            "a" * 16,
            3,
            START,
            START + 5,
        )
        # What is surest speaks for the signature.
        assert (first.rule, first.title, first.confidence) == ("FT101", "stale", "proven")
        assert first.versions == {"3.13.5": 1, "3.14.0": 2}
        assert [issue["id"] for issue in other.issues] == ["gh-132713"]
        (part,) = store.summaries(START + 1, START + DAY)
        assert (part.count, part.first, part.appeared) == (2, START + 2, START)
        assert [crash.core for crash in store.crashes("a" * 16, 2)] == ["/c/2", "/c/3"]
        assert store.matching("a") == ["a" * 16]
        assert store.signatures() == {"a" * 16, "b" * 16}
        assert list(store.counts(DAY, START)) == [
            ("a" * 16, "3.13.5", 0, 1),
            ("a" * 16, "3.14.0", 0, 2),
            ("b" * 16, "3.13.5", 1, 1),
        ]


def test_other_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    text, foreign, newer = (tmp_path / name for name in ("notes.txt", "other.db", "newer.db"))
    text.write_text("not a database, but long enough to be taken for one" * 20)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE mine (x)")
    Store.create(str(newer)).__exit__()
    with sqlite3.connect(newer) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    for path, message in (
        (text, "not a database"),
        (foreign, "of another program"),
        (newer, "by a newer gdbext"),
    ):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=message):
            Store.create(str(path))
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="makes it"):
        Store.open(str(tmp_path / "nothing.db"))
    assert not (tmp_path / "nothing.db").exists()
    with pytest.raises(StoreError, match="cannot open"):
        Store.create(str(tmp_path / "no" / "folder.db"))


def write(path: str, name: str, count: int) -> None:
    for number in range(count):
        with Store.create(path) as store:
            store.add(entry(f"/c/{name}.{number}"))
            store.add(entry(f"/c/both.{number}"))


def test_two_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "crashes.db")
    writers = [FORK.Process(target=write, args=(path, name, 25)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    with Store.open(path) as store:
        assert store.size == 75
        assert {crash.core for crash in store.crashes("f21a279fe5e87a52", 100)} == {
            f"/c/{name}.{number}" for name in ("a", "b", "both") for number in range(25)
        }


def fill(path: str, limit: int) -> None:
    """Write until the disk is full; exit with the number of entries that were taken."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    taken = 0
    with Store.create(path) as store:
        try:
            for number in range(100):
                store.add(entry(f"/c/{number}"))
                taken += 1
        except StoreError:
            # And the store can still be read.
            os._exit(taken if store.size == taken else 255)
    os._exit(254)


def test_a_full_disk_costs_only_what_did_not_fit(tmp_path: Path) -> None:
    path = str(tmp_path / "crashes.db")
    writer = FORK.Process(target=fill, args=(path, 100_000))
    writer.start()
    writer.join()
    taken = writer.exitcode or 0
    assert 5 < taken < 100
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Store.open(path) as store:
        assert [store.find(f"/c/{n}", 1000, START) for n in range(taken + 1)] == [
            *(entry(f"/c/{n}") for n in range(taken)),
            None,
        ]
        # There is room again: it goes on where it ended.
        store.add(entry(f"/c/{taken}"))
        assert store.size == taken + 1


def test_what_a_killed_writer_left_is_rolled_back(tmp_path: Path) -> None:
    path = str(tmp_path / "crashes.db")
    with Store.create(path) as store:
        store.add(entry("/c/1"))

    def die() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file at once
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE crashes SET report = zeroblob(1000000)")
        os.kill(os.getpid(), signal.SIGKILL)

    writer = FORK.Process(target=die)
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert os.path.exists(f"{path}-journal")
    with Store.open(path) as store:
        assert store.find("/c/1", 1000, START) == entry("/c/1")


def test_a_month_fits(tmp_path: Path) -> None:
    with Store.create(str(tmp_path / "crashes.db")) as store:
        entries = month()
        for each in entries:
            store.add(each)
        assert store.size == len(entries)
        assert store.span == (START, START + 27 * DAY + 3 * 3600 + 11)
