"""Which C modules take locks, read from the dynamic symbols of small ELF files made here."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gdbext.diagnosis.module_locks import modules_without_locks, takes_locks

UNDEFINED, DEFINED = 0, 7


def shared_object(path: Path, symbols: dict[str, int], kind: int = 11) -> str:
    """An ELF file with nothing in it but a dynamic symbol table."""
    names, entries = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for name, section in symbols.items():
        entries += struct.pack("<IBBHQQ", len(names), 0x12, 0, section, 0, 0)
        names += name.encode() + b"\0"
    sections_at = 64 + len(entries) + len(names)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        3,
        62,
        1,
        0,
        0,
        sections_at,
        0,
        64,
        56,
        0,
        64,
        3,
        0,
    )
    sections = struct.pack("<IIQQQQIIQQ", *([0] * 10))
    sections += struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, 64, len(entries), 2, 0, 8, 24)
    sections += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64 + len(entries), len(names), 0, 0, 1, 0)
    path.write_bytes(header + entries + names + sections)
    return str(path)


@pytest.mark.parametrize(
    "name",
    ["_PyCriticalSection_BeginSlow", "PyMutex_Lock", "PyThread_acquire_lock", "pthread_mutex_lock"],
)
def test_a_module_that_imports_a_locking_function_takes_locks(tmp_path: Path, name: str) -> None:
    assert (
        takes_locks(shared_object(tmp_path / "m.so", {"PyList_New": UNDEFINED, name: UNDEFINED}))
        is True
    )


def test_a_module_that_imports_none_takes_none(tmp_path: Path) -> None:
    assert (
        takes_locks(
            shared_object(
                tmp_path / "m.so", {"PyList_New": UNDEFINED, "PyThread_get_thread_ident": UNDEFINED}
            )
        )
        is False
    )


def test_of_the_interpreter_itself_it_cannot_be_told(tmp_path: Path) -> None:
    assert takes_locks(shared_object(tmp_path / "python", {"PyMutex_Lock": DEFINED})) is None


def test_what_is_no_such_file_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no ELF file")
    (tmp_path / "short").write_bytes(b"\x7fELF\x02\x01" + bytes(80))
    stripped = shared_object(tmp_path / "static", {"PyList_New": UNDEFINED}, kind=2)
    for path in ("missing", "text", "short"):
        assert takes_locks(str(tmp_path / path)) is None
    assert takes_locks(stripped) is None


def test_the_table_is_for_the_versions_that_were_measured() -> None:
    assert {"_heapq", "array", "_elementtree"} <= modules_without_locks("3.13.7")
    assert modules_without_locks("3.14.0") == frozenset()
