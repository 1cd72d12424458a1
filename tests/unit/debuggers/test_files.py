from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from fakes import FakeMemory
from gdbext.binfmt import elf
from gdbext.binfmt.files import TargetFiles, read_source
from gdbext.target.protocol import Signal
from unit.binfmt import elf_sections, elf_segments


def notes(*, code: int = 1, number: int = 11) -> bytes:
    return (
        elf_sections.status(101, number, 0x7F0000001000)
        + elf_sections.program(100, b"python3.13")
        + elf_sections.siginfo(number, code, 0x19)
        + elf_sections.status(100, number, 0x7F0000002000)
    )


@pytest.fixture
def core(tmp_path: Path) -> Path:
    loads = [
        (0x1000, b"a" * 0x1000, 0x1000),
        (0x2000, b"b" * 0x1000, 0x1000),
        (0x3000, b"c" * 0x10, 0x1000),
        (0x8000, b"", 0x1000),
    ]
    return elf_sections.core(tmp_path / "core", notes(), loads)


def test_a_cores_threads_are_told_by_its_notes(core: Path) -> None:
    files = TargetFiles(str(core), None)
    assert files.fs_base(101) == 0x7F0000001000
    assert files.fs_base(100) == 0x7F0000002000
    assert files.fs_base(1) is None
    assert files.has_thread(101)
    assert not files.has_thread(2021161080), "made of the text 'xxxx'"
    assert files.thread_name(100) == "python3.13"
    assert files.thread_name(101) is None
    assert elf.read_core(str(core)).pid == 100
    assert elf.is_core(str(core))
    assert not elf.is_core(__file__)


def test_without_a_cores_notes_the_debugger_knows_the_threads(tmp_path: Path) -> None:
    assert TargetFiles(None, os.getpid()).has_thread(1)
    assert TargetFiles(str(elf_sections.core(tmp_path / "core", b"", [])), None).has_thread(1)


def test_the_signal_is_the_first_threads(core: Path) -> None:
    assert TargetFiles(str(core), None).core_signal() == Signal(
        "SIGSEGV", 101, 11, "SEGV_MAPERR", 0x19
    )


@pytest.mark.parametrize("number", [0, 2, 19])
def test_a_core_of_a_stopped_process_has_none(tmp_path: Path, number: int) -> None:
    path = elf_sections.core(tmp_path / "core", notes(number=number), [])
    assert TargetFiles(str(path), None).core_signal() is None


def test_a_core_without_threads_has_none(tmp_path: Path) -> None:
    assert (
        TargetFiles(str(elf_sections.core(tmp_path / "core", b"", [])), None).core_signal() is None
    )


def test_memory_is_read_across_segments_and_missing_memory_is_missing(core: Path) -> None:
    files = TargetFiles(str(core), None)
    nothing = FakeMemory()
    assert files.has_memory
    assert files.read(nothing, 0x1000, 4) == b"aaaa"
    assert files.read(nothing, 0x1FFE, 4) == b"aabb"
    assert files.read(nothing, 0x1FFF, 0x1002) == b"a" + b"b" * 0x1000 + b"c"
    for address, size in (
        (0x0, 8),
        (0xFFF, 2),
        (0x300F, 2),
        (0x3010, 1),
        (0x8000, 1),
        (0x9000, 1),
        (1 << 63, 8),
    ):
        assert files.read(nothing, address, size) is None


def test_a_truncated_core_is_read_as_far_as_it_goes(core: Path) -> None:
    os.truncate(core, core.stat().st_size - 0x18)
    files = TargetFiles(str(core), None)
    assert files.read(FakeMemory(), 0x1000, 8) == b"a" * 8
    assert files.read(FakeMemory(), 0x2000, 0x1000) is None
    assert files.read(FakeMemory(), 0x3000, 8) is None


def test_what_is_no_core_has_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no core")
    files = TargetFiles(str(path), None)
    assert not files.has_memory
    assert files.regions == []
    assert files.core_signal() is None


def build(path: Path, build_id: bytes) -> bytes:
    """A mapped file with a build id and a symbol; returns its first page."""
    note = elf_sections.note(b"GNU", 3, build_id)
    elf_sections.elf(path, elf_sections.symbols(("_PyRuntime", 0x11, 1, 0x1040, 64)))
    data = bytearray(path.read_bytes())
    # Its only program header becomes two: the segment, and the note behind the file.
    place = len(data)
    data += note + struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, place, place, 4096)
    table = place + len(note)
    data += struct.pack("<IIQQQQQQ", 4, 4, place, place, place, len(note), len(note), 4)
    struct.pack_into("<Q", data, 32, table)
    struct.pack_into("<H", data, 56, 2)
    path.write_bytes(data)
    return bytes(data)


def mapped(path: Path, base: int) -> bytes:
    """An NT_FILE note that maps the file."""
    return maps(path, (base, base + 0x4000, 0))


def maps(path: Path, *pieces: tuple[int, int, int]) -> bytes:
    """An NT_FILE note with pieces of the file: start, end, and the page of the file."""
    words = b"".join(struct.pack("<QQQ", *piece) for piece in pieces)
    names = (str(path).encode() + b"\0") * len(pieces)
    content = struct.pack("<QQ", len(pieces), 4096) + words + names
    return elf_sections.note(b"CORE", 0x46494C45, content)


def test_symbols_and_left_out_memory_come_from_the_mapped_file_if_it_is_the_same(
    tmp_path: Path,
) -> None:
    library = tmp_path / "libpython.so"
    image = build(library, b"12345678")
    core = elf_sections.core(
        tmp_path / "core", notes() + mapped(library, 0x10000), [(0x10000, image[:1500], 0x4000)]
    )
    files = TargetFiles(str(core), None)
    memory = FakeMemory({0x10000: image})
    assert files.file_at(0x10010) == str(library)
    assert files.file_at(0x14000) is None
    symbol = files.symbol(memory, "_PyRuntime")
    assert symbol is not None
    assert (symbol.address, symbol.size) == (0x11040, 64)
    assert files.symbol_from(memory, "other name", 0x11040).name == "_PyRuntime"
    assert files.symbol(memory, "PyInit_\udc80") is None
    assert files.symbol_from(memory, "unknown", 0x11050).name == "unknown"
    assert [module.build_id for module in files.modules(memory)] == [b"12345678".hex()]
    assert files.read(memory, 0x10000, len(image)) == image


@pytest.mark.parametrize(
    ("comment", "is_debug", "is_rust"),
    [
        (b"GCC: (Debian) 12\0rustc version 1.95.0\0", True, True),
        (b"rustc version 1.95.0\0", False, False),
        (b"GCC: (Debian) 12\0", True, False),
    ],
)
def test_what_rusts_compiler_has_made_says_so(
    tmp_path: Path, comment: bytes, is_debug: bool, is_rust: bool
) -> None:
    library = tmp_path / "module.so"
    more = {".debug_info": (1, b"1", 0)} if is_debug else {}
    elf_sections.elf(library, {".comment": (1, comment, 0), **more})
    core = elf_sections.core(tmp_path / "core", notes() + mapped(library, 0x10000), [])
    assert TargetFiles(str(core), None).are_of_rust is is_rust


def test_a_library_that_the_program_maps_to_read_it_is_where_it_was_loaded(tmp_path: Path) -> None:
    """A runtime that prints a backtrace reads its own symbols so."""
    library = tmp_path / "module.so"
    image = build(library, b"12345678")
    pieces = ((0x10000, 0x14000, 0), (0x40000, 0x41000, 0), (0x41000, 0x44000, 1))
    core = elf_sections.core(
        tmp_path / "core",
        notes() + maps(library, *pieces),
        [(0x10000, image[:1500], 0x4000), (0x40000, image[:1500], 0x4000)],
    )
    files = TargetFiles(str(core), None)
    memory = FakeMemory({0x10000: image, 0x40000: image})
    symbol = files.symbol(memory, "_PyRuntime")
    assert symbol is not None
    assert symbol.address == 0x41040
    assert [module.base for module in files.modules(memory)] == [0x40000]


def test_a_mapped_file_that_was_replaced_is_not_asked(tmp_path: Path) -> None:
    library = tmp_path / "libpython.so"
    image = build(library, b"12345678")
    core = elf_sections.core(
        tmp_path / "core", notes() + mapped(library, 0x10000), [(0x10000, image[:100], 0x4000)]
    )
    build(library, b"87654321")
    files = TargetFiles(str(core), None)
    memory = FakeMemory({0x10000: image})
    assert files.symbol(memory, "_PyRuntime") is None
    assert files.read(memory, 0x10000, len(image)) is None
    assert files.dwarf_at(memory, 0x10010) is None


def test_a_live_process_is_told_by_proc() -> None:
    files = TargetFiles(None, os.getpid())
    assert not files.has_memory
    assert files.thread_name(os.getpid()) == Path("/proc/self/comm").read_text().strip()
    assert any(region.path == "[stack]" for region in files.regions)
    assert files.fs_base(os.getpid()) is None
    assert TargetFiles(None, None).regions == []


def test_source_is_read_around_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("one\ntwo\nthree\nfour\n")
    assert read_source(str(path), 2, 1) == [(1, "one"), (2, "two"), (3, "three")]
    assert read_source(str(path), 4, 0) == [(4, "four")]
    assert read_source(str(path), 9, 1) == []
    assert read_source(str(tmp_path), 1, 1) == []
    assert read_source("/dev/zero", 1, 1) == []
    assert read_source("no\0name", 1, 1) == []
    path.write_text("changed\n")
    os.utime(path, (1, 1))
    assert read_source(str(path), 1, 0) == [(1, "changed")]


STATUS = elf_segments.note(b"CORE", elf.NT_PRSTATUS, bytes(336))
"""Of a thread whose registers are all 0."""


def notes_in(tmp_path: Path, *segments: bytes) -> Path:
    path = tmp_path / "core"
    given = [(elf.PT_NOTE, 4, 0, content, len(content)) for content in segments]
    path.write_bytes(elf_segments.elf(elf.ET_CORE, given))
    return path


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_NOTES", 5), ("MAX_NOTE_BYTES", 5 * len(STATUS))]
)
def test_notes_are_limited_in_all_segments_together(
    limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged core may say that it has thousands of segments that are all of the file."""
    core = notes_in(tmp_path, *[STATUS * 2] * 4)
    assert len(elf.read_core(str(core)).threads) == 8
    monkeypatch.setattr(elf, limit, value)
    assert len(elf.read_core(str(core)).threads) == 5


def test_a_note_without_an_owner_ends_its_segment(tmp_path: Path) -> None:
    core = notes_in(tmp_path, STATUS + bytes(24) + STATUS, STATUS)
    assert len(elf.read_core(str(core)).threads) == 2
