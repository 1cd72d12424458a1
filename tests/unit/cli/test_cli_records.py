"""The files of a batch: which cores, what is done already, what is kept."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fsspec
import pytest

from gdbext.cli import cores, groups, json_lines, remote
from gdbext.cli.json_lines import JsonLines
from gdbext.cli.records import BatchRecords
from gdbext.engine.outcome import Failure
from gdbext.store.database import Store
from unit.binfmt import elf_segments
from unit.store.entries import entry, failed

FORK = get_context("fork")


def core_of(made: dict[str, Any]) -> cores.CoreFile:
    return cores.CoreFile(made["core"], made["size"], made["mtime"])


def test_cores_are_found_in_folders(tmp_path: Path) -> None:
    core = elf_segments.core("/x/python", elf_segments.program())
    wanted = [
        elf_segments.write(tmp_path / name, core) for name in ("a/core.2", "a/core.1", "core")
    ]
    elf_segments.write(tmp_path / "a/readme", b"text")
    link = tmp_path / "link"
    link.symlink_to(wanted[0])
    text = elf_segments.write(tmp_path / "named", b"text")
    assert list(cores.names([str(tmp_path)])) == [wanted[2], str(link), wanted[1], wanted[0]]
    assert list(cores.names([text])) == [text]
    with pytest.raises(Failure, match="there is no"):
        list(cores.names([str(tmp_path / "nothing")]))


def test_a_core_found_by_two_names_is_one(tmp_path: Path) -> None:
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core("/x/python", elf_segments.program())
    )
    (tmp_path / "a").symlink_to(core)
    os.utime(core, (7, 7))
    (found,) = cores.find([str(tmp_path), core])
    assert found == (str(tmp_path / "a"), os.path.getsize(core), 7)


def test_lines_cut_short_are_left_out(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text(json.dumps(entry("a")) + '\nnull\n{"core": "b", "repo')
    assert [e["core"] for e in json_lines.read(str(lines))] == ["a"]


def test_appending_after_a_line_cut_short(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text('{"core": "b", "repo')
    with JsonLines(str(lines)) as opened:
        opened.write(entry("a"))
    assert [e["core"] for e in json_lines.read(str(lines))] == ["a"]


def test_only_the_same_core_counts_as_done(tmp_path: Path) -> None:
    core = elf_segments.write(tmp_path / "core", b"123")
    other = elf_segments.write(tmp_path / "other", b"123")
    output = tmp_path / "out"
    with JsonLines(str(output)) as lines:
        for path in (core, other):
            lines.write({**cores.identify(path).identity, "status": 0, "report": None})
    elf_segments.write(tmp_path / "other", b"12345")
    with BatchRecords(str(output), None) as records:
        assert records.done(cores.identify(core)) is not None
        assert records.done(cores.identify(other)) is None


def test_what_one_file_has_the_other_gets(tmp_path: Path) -> None:
    lines, store = str(tmp_path / "lines"), str(tmp_path / "store.db")
    one, two, three = entry("/c/1"), entry("/c/2"), failed("/c/3")
    with BatchRecords(lines, None) as records:
        records.keep(one)
    with BatchRecords(None, store) as records:
        records.keep(two)
    with BatchRecords(lines, store) as records:
        assert records.done(core_of(one)) == one
        assert records.done(core_of(two)) == two
        assert records.done(core_of(three)) is None
        records.keep(three)
    assert list(json_lines.read(lines)) == [one, two, three]
    with Store.open(store) as opened:
        assert [opened.find(*core_of(each)) for each in (one, two, three)] == [one, two, three]


def test_retry_forgets_failures_only(tmp_path: Path) -> None:
    lines, store = str(tmp_path / "lines"), str(tmp_path / "store.db")
    with BatchRecords(lines, store) as records:
        records.keep(entry("/c/1"))
        records.keep(failed("/c/2"))
    with BatchRecords(lines, store, retry=True) as records:
        assert records.done(core_of(entry("/c/1"))) is not None
        assert records.done(core_of(failed("/c/2"))) is None
        records.keep(entry("/c/2"))
    with BatchRecords(lines, store, retry=True) as records:
        assert records.done(core_of(entry("/c/2"))) == entry("/c/2")


def append(path: str, name: str) -> None:
    with JsonLines(path) as lines:
        for number in range(50):
            lines.write(entry(f"/c/{name}.{number}"))


def test_two_writers_of_one_file_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "lines")
    writers = [FORK.Process(target=append, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(e["core"] for e in json_lines.read(path)) == sorted(
        f"/c/{name}.{number}" for name in "ab" for number in range(50)
    )


def fill(path: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    with JsonLines(path) as lines:
        for number in range(100):
            try:
                lines.write(entry(f"/c/{number}"))
            except Failure as failure:
                os._exit(number if "cannot write" in str(failure) else 255)
    os._exit(254)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    writer = FORK.Process(target=fill, args=(str(path),))
    writer.start()
    writer.join()
    taken = writer.exitcode
    assert [json.loads(line)["core"] for line in path.read_text().splitlines()] == [
        f"/c/{number}" for number in range(taken or 0)
    ]
    assert taken is not None
    assert 0 < taken < 100


def test_baseline_may_be_batches_single_reports_or_a_store(tmp_path: Path) -> None:
    path = tmp_path / "baseline"
    lines = [entry("a", "one"), {"signature": {"id": "two"}}, failed("x")]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert groups.signatures_of(str(path)) == {"one", "two"}
    with Store.create(str(tmp_path / "store.db")) as store:
        store.add(entry("a", "three"))
    assert groups.signatures_of(str(tmp_path / "store.db")) == {"three"}
    with pytest.raises(Failure, match="cannot read the baseline"):
        groups.signatures_of(str(tmp_path / "nothing"))


# --- elsewhere ------------------------------------------------------------------------------------


@pytest.fixture
def bucket() -> Iterator[str]:
    """A folder of fsspec's file system in memory."""
    system = fsspec.filesystem("memory")
    core = elf_segments.core("/x/python", elf_segments.program())
    system.pipe("/bucket/a/core.1", core)
    system.pipe("/bucket/core.2.gz", gzip.compress(core))
    system.pipe("/bucket/notes.txt", b"not a core")
    system.pipe("/bucket/notes.gz", gzip.compress(b"not a core"))
    system.pipe("/bucket/empty", b"")
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


def test_cores_are_found_by_url(bucket: str, tmp_path: Path) -> None:
    found = cores.find([bucket, f"{bucket}/a/core.1"])
    assert [core.name for core in found] == [
        "memory:///bucket/a/core.1",
        "memory:///bucket/core.2.gz",
    ]
    assert all(core.size and core.mtime for core in found)
    local = elf_segments.write(
        tmp_path / "core", elf_segments.core("/x/python", elf_segments.program())
    )
    assert [c.name for c in cores.find([f"file://{tmp_path}"])] == [f"file://{local}"]
    assert [c.mtime for c in cores.find([f"file://{tmp_path}"])] == [cores.identify(local).mtime]


def test_a_core_by_url_is_copied_sparsely_and_gone_afterwards(bucket: str) -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/sparse", b"\x7fELF" + bytes(64 << 20))
    with remote.here(f"{bucket}/sparse") as path:
        facts = os.stat(path)
        assert facts.st_size == (64 << 20) + 4
        assert facts.st_blocks * 512 < 4 << 20
    assert not os.path.exists(path)
    with remote.here("/a/path") as path:
        assert path == "/a/path"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("memory://nothing", "there is no memory://nothing"),
        ("nowhere://x/y", "cannot read nowhere://x/y: Protocol not known: nowhere"),
    ],
)
def test_urls_that_cannot_be_read(url: str, reason: str) -> None:
    with pytest.raises(Failure, match=reason):
        cores.find([url])
    with pytest.raises(Failure), remote.here(url):
        pass
