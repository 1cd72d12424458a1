from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gdbext.binfmt import sections
from gdbext.binfmt.symtab import SymbolEntry, SymbolTable
from unit.binfmt import elf_segments
from unit.binfmt.elf_sections import elf, symbols

FUNCTION, OBJECT, FILE, LOCAL_FUNCTION, THREAD_LOCAL = 0x12, 0x11, 0x04, 0x02, 0x16


@pytest.fixture
def table(tmp_path: Path) -> SymbolTable:
    path = elf(
        tmp_path / "program",
        symbols(
            ("listobject.c", FILE, 0xFFF1, 0, 0),
            ("clinic_list_repr", LOCAL_FUNCTION, 1, 0x1000, 0x40),
            ("list_repr", LOCAL_FUNCTION, 1, 0x1100, 0x50),
            ("methods", 0x01, 1, 0x5000, 64),
            ("dequemodule.c", FILE, 0xFFF1, 0, 0),
            ("methods", 0x01, 1, 0x6000, 128),
            ("list_repr", FUNCTION, 1, 0x2000, 0x60),
            ("_PyRuntime", OBJECT, 1, 0x7000, 328320),
            ("printf", FUNCTION, 0, 0, 0),
            ("tss", THREAD_LOCAL, 1, 0x10, 8),
            ("raise", FUNCTION, 1, 0x3000, 49),
            ("gsignal", FUNCTION, 1, 0x3000, 49),
        ),
        first=0x400000,
    )
    return SymbolTable(sections.read(str(path)))


def test_names_are_found_also_where_they_end_another(table: SymbolTable) -> None:
    assert list(table.find("_PyRuntime")) == [SymbolEntry("_PyRuntime", 0x7000, 328320, False)]
    assert [e.value for e in table.find("list_repr")] == [0x1100, 0x2000]
    assert [e.value for e in table.find("clinic_list_repr")] == [0x1000]
    assert not list(table.find("repr"))
    assert not list(table.find("no_such_name"))


def test_equal_names_are_told_apart_by_their_files(table: SymbolTable) -> None:
    assert [e.value for e in table.find("methods", "Objects/listobject.c")] == [0x5000]
    assert [e.value for e in table.find("methods", "dequemodule.c")] == [0x6000]
    assert not list(table.find("methods", "other.c"))
    assert [e.value for e in table.find("list_repr", "Objects/listobject.c")] == [0x1100]


def test_undefined_and_thread_local_symbols_have_no_address(table: SymbolTable) -> None:
    assert not list(table.find("printf"))
    assert not list(table.find("tss"))


def test_an_address_has_all_its_names(table: SymbolTable) -> None:
    assert sorted(e.name for e in table.at(0x3000)) == ["gsignal", "raise"]
    assert not list(table.at(0x3001))


def test_the_files_own_addresses_start_where_it_is_linked_to(table: SymbolTable) -> None:
    assert table.file.first == 0x400000


def test_what_is_no_elf_has_no_symbols(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no ELF")
    assert not list(SymbolTable(sections.read(str(path))).find("x"))
    assert not list(SymbolTable(sections.read(str(tmp_path / "missing"))).find("x"))


def test_a_file_cut_short_anywhere_raises_nothing(tmp_path: Path) -> None:
    whole = elf(tmp_path / "whole", symbols(("f", FUNCTION, 1, 0x1000, 4))).read_bytes()
    for size in range(0, len(whole), 7):
        cut = tmp_path / f"cut{size}"
        cut.write_bytes(whole[:size])
        list(SymbolTable(sections.read(str(cut))).find("f"))


def test_all_sections_have_names_compressed_ones_too() -> None:
    assert ".text" in sections.read(sys.executable).all_names


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        elf_segments.program(),
        elf_segments.program()[:40],
        b"\x7fELF\x02\x01" + b"\xff" * 200,
    ],
)
def test_what_is_no_elf_file_or_is_damaged_has_no_sections(content: bytes, tmp_path: Path) -> None:
    file = elf_segments.write(tmp_path / "file", content)
    assert sections.read(str(file)).all_names == set()
