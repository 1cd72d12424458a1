"""What /proc says, and the core writer's plan; this process serves as the example."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from gdbext.binfmt import elf, maps
from gdbext.engine.core_target import CoreMemory
from gdbext.tracing import live, proc, snapshot


@pytest.fixture
def child() -> int:  # type: ignore[misc]
    """A process of one page with a known text in it; it sleeps."""
    page = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    page[10 << 20 : (10 << 20) + 5] = b"stamp"
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    page.close()


def test_status_and_tasks() -> None:
    pid = os.getpid()
    assert proc.status(pid)["Tgid"] == str(pid)
    assert proc.process_of(proc.tasks(pid)[-1]) == pid
    assert proc.process_of(1 << 22) == 1 << 22
    assert proc.tasks(1 << 22) == []
    assert proc.name(1 << 22) == "?"
    assert sys.executable.split("/")[-1][:6] in proc.command(pid)


def test_signal_masks() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        fields = proc.status(os.getpid())
        assert proc.catches(fields, signal.SIGUSR1)
        assert not proc.ignores(fields, signal.SIGUSR1)
        assert proc.ignores(fields, signal.SIGPIPE)
        assert not proc.catches(fields, signal.SIGKILL)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_mappings_are_those_of_the_process() -> None:
    found = maps.mappings(os.getpid())
    assert found == sorted(found)
    assert any(
        m.path == "[stack]" and m.permissions.startswith("rw") and not m.is_file for m in found
    )
    assert any(m.is_file and m.path == os.path.realpath(sys.executable) for m in found)


def test_paths_with_spaces_and_newlines_in_maps() -> None:
    line = "7f00-7f10 r--p 00001000 08:01 77   /tmp/with space\\012(deleted)\n"
    found = maps.LINE.fullmatch(line)
    assert found
    assert found[7] == "/tmp/with space\\012(deleted)"


def test_snapshot_of_a_living_process(child: int, tmp_path: Path) -> None:
    core = tmp_path / "core"
    live.snapshot(child, str(core))
    assert os.path.exists(f"/proc/{child}")
    assert proc.status(child)["State"][0] in "SR"
    assert proc.status(child)["TracerPid"] == "0"
    info = elf.read_core(str(core))
    assert [thread.lwp for thread in info.threads] == [child]
    assert info.threads[0].signal == 0
    assert info.threads[0].fs_base
    assert info.pid == child
    assert info.missing_bytes == 0
    assert info.program == proc.name(child)
    assert {name for _, _, _, name in info.files} == {
        m.path for m in maps.mappings(child) if m.is_file
    }
    # Large, and nearly empty: the file has holes where nothing was.
    assert core.stat().st_size > 64 << 20
    assert core.stat().st_blocks * 512 < core.stat().st_size - (60 << 20)
    memory = CoreMemory(str(core))
    region = next(
        r
        for r in info.regions
        if r.end - r.start >= 64 << 20 and memory.read(r.start + (10 << 20), 5) == b"stamp"
    )
    assert memory.read(region.start, 4096) == bytes(4096)
    program = next(
        start
        for start, _, offset, name in info.files
        if name == os.path.realpath(sys.executable) and offset == 0
    )
    assert elf.build_id_in_memory(memory, program) == elf.build_id_in_file(sys.executable)


def test_snapshot_of_nobody(tmp_path: Path) -> None:
    with pytest.raises(snapshot.SnapshotError, match="there is no process 4194304"):
        live.snapshot(1 << 22, str(tmp_path / "core"))


def test_pages_are_found_in_runs(tmp_path: Path) -> None:
    # present, file, swapped, nothing, present: one entry is 8 bytes, the flags in the last.
    table = tmp_path / "pagemap"
    table.write_bytes(
        b"".join(bytes(7) + bytes([flags]) for flags in (0x80, 0xA0, 0x40, 0x00, 0x80))
    )
    mapping = maps.Mapping(0, 5 * snapshot.PAGE, "rw-p", 0, 0, "")
    with table.open("rb") as stream:
        page = snapshot.PAGE
        assert list(snapshot._runs(mapping, stream.fileno(), snapshot.TOUCHED)) == [
            (0, 3 * page),
            (4 * page, page),
        ]
        assert list(snapshot._runs(mapping, stream.fileno(), snapshot.PRIVATE)) == [
            (0, page),
            (2 * page, page),
            (4 * page, page),
        ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/usr/bin/python3", "/home/ada/.venv/bin/gdbext", "run", "--", "python3.14t"], True),
        (["python3", "-m", "gdbext", "run", "--timeout", "5", "true"], True),
        (["python3", "-m", "gdbext", "triage", "core"], False),
        (["strace", "-f", "gdbext.py", "run"], False),
    ],
)
def test_a_tracer_that_is_gdbext_run(
    words: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "command", lambda pid: " ".join(words))
    assert proc.is_gdbext_run(1) is expected
