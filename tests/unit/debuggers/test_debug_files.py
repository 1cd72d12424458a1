"""What was taken out of a file is found where distributions put it, and only if it is
that file's.
"""

from __future__ import annotations

import lzma
import os
import struct
import zlib
from pathlib import Path

import pytest

from gdbext.binfmt import debug_files, sections
from gdbext.binfmt.debug_files import Where
from gdbext.binfmt.symtab import SymbolTable
from gdbext.target.values import Module
from unit.binfmt import elf_sections, elf_segments

PROGBITS = 1
ID = b"\x5a" * 20
NAMES = elf_sections.symbols(("list_repr", 2, 1, 0x1000, 64))


def program(folder: Path, debug: bytes, name: str = "python.debug", *, wrong: int = 0) -> Path:
    """A program whose debug information, ``debug``, is to be in a file of that name."""
    checksum = struct.pack("<I", zlib.crc32(debug) ^ wrong)
    link = (name.encode() + b"\0").ljust(-(-(len(name) + 1) // 4) * 4, b"\0") + checksum
    return elf_sections.elf(folder / "python", {debug_files.LINK: (PROGBITS, link, 0)})


@pytest.fixture
def debug(tmp_path: Path) -> bytes:
    return elf_sections.elf(tmp_path / "debug", NAMES).read_bytes()


@pytest.mark.parametrize("place", [".", ".debug"])
def test_the_file_that_the_link_names_is_found_beside_the_program(
    tmp_path: Path, debug: bytes, place: str
) -> None:
    python = program(tmp_path, debug)
    apart = tmp_path / place / "python.debug"
    apart.parent.mkdir(exist_ok=True)
    apart.write_bytes(debug)
    found = debug_files.separate(str(python))
    assert found is not None
    assert os.path.samefile(found, apart)


def test_it_is_found_below_a_folder_for_debug_information(tmp_path: Path, debug: bytes) -> None:
    python = program(tmp_path, debug)
    apart = tmp_path / "debug-root" / str(tmp_path).lstrip("/") / "python.debug"
    apart.parent.mkdir(parents=True)
    apart.write_bytes(debug)
    assert debug_files.separate(str(python), (str(tmp_path / "debug-root"),)) == str(apart)
    assert debug_files.separate(str(python), ()) is None


def test_a_file_of_another_build_is_not_taken(tmp_path: Path, debug: bytes) -> None:
    python = program(tmp_path, debug, wrong=1)
    (tmp_path / "python.debug").write_bytes(debug)
    assert debug_files.separate(str(python)) is None


def test_a_link_cannot_lead_out_of_the_folders(tmp_path: Path, debug: bytes) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "python.debug").write_bytes(debug)
    assert debug_files.separate(str(program(tmp_path / "sub", debug, "../python.debug"))) is None


def test_a_program_that_names_itself_has_no_file_apart(tmp_path: Path, debug: bytes) -> None:
    assert debug_files.separate(str(program(tmp_path, debug, "python"))) is None


def test_names_packed_into_the_program_are_read(tmp_path: Path, debug: bytes) -> None:
    packed = {debug_files.MINIMAL: (PROGBITS, lzma.compress(debug), 0)}
    inner = debug_files.minimal(sections.read(str(elf_sections.elf(tmp_path / "python", packed))))
    assert inner is not None
    assert [entry.value for entry in SymbolTable(inner).find("list_repr")] == [0x1000]


@pytest.mark.parametrize("packed", [b"", b"no xz", lzma.compress(bytes(100))[:-20]])
def test_damaged_names_are_no_names(tmp_path: Path, packed: bytes) -> None:
    path = elf_sections.elf(tmp_path / "python", {debug_files.MINIMAL: (PROGBITS, packed, 0)})
    inner = debug_files.minimal(sections.read(str(path)))
    assert inner is None or not list(SymbolTable(inner).find("list_repr"))


def test_files_that_the_sysroot_lacks_are_taken_from_here_if_they_are_the_same_build(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    here = {name: tmp_path / name / "lib.so" for name in ("same", "other", "inside")}
    for path in here.values():
        path.parent.mkdir()
        elf_segments.write(path, elf_segments.program(build_id=ID))
    inside = root / str(here["inside"]).lstrip("/")
    inside.parent.mkdir(parents=True)
    elf_segments.write(inside, elf_segments.program(build_id=ID))
    modules = [
        Module(str(here["same"]), 0x1000, ID.hex()),
        Module(str(here["other"]), 0x2000, "22" * 20),
        Module(str(here["inside"]), 0x3000, ID.hex()),
        Module("/nowhere/lib.so", 0x4000, ID.hex()),
        Module("linux-vdso.so.1", 0x5000, None),
    ]
    assert debug_files.stand_ins(modules, f"{root}/") == [str(here["same"].parent)]


def test_a_file_of_the_target_is_looked_for_in_the_sysroot_first() -> None:
    where = Where(sysroot="/container/", executable="/here/python")
    assert list(where.candidates("/usr/bin/python3 (deleted)", pid=7)) == [
        "/container/usr/bin/python3",
        "/usr/bin/python3",
        "/here/python",
        "/proc/7/exe",
    ]
