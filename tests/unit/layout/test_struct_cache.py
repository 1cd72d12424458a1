"""What is kept on disk of a debugger's structs, and when it is not used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes import FakeDebugger
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.struct_cache import StructCache, file_key
from gdbext.session import Session
from gdbext.target.protocol import Field, Module, Struct

KEY = "0f7f29d2c49ba67a"
OBJECT = Struct("PyObject", 32, {"ob_tid": Field(0, 8), "ob_type": Field(24, 8)})
FLAGS = Struct("flags", 4, {"kind": Field(0, 1, 2, 3)})


class Dwarf:
    """Counts what is asked of it."""

    def __init__(self, *structs: Struct) -> None:
        self.structs = {struct.name: struct for struct in structs}
        self.asked: list[str] = []

    def __call__(self, name: str) -> Struct | None:
        self.asked.append(name)
        return self.structs.get(name)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path))
    monkeypatch.delenv("GDBEXT_NO_CACHE", raising=False)
    return tmp_path / "layouts" / f"{KEY}.json"


def offsets(**fields: int) -> DebugOffsets:
    return DebugOffsets(
        0,
        0x030D05F0,
        True,
        {f"PyObject.{name}": offset for name, offset in fields.items()},
        {"PyObject": 32},
    )


def once(
    dwarf: Dwarf, *names: str, key: str | None = KEY, process: DebugOffsets | None = None
) -> list[Struct | None]:
    """One debugger's session: what it was told; the cache is dropped, and so written,
    at the end.
    """
    cache = StructCache(dwarf, process or offsets(ob_type=24), key)
    return [cache(name) for name in names]


def test_the_second_session_asks_nothing(place: Path) -> None:
    assert once(Dwarf(OBJECT, FLAGS), "PyObject", "flags") == [OBJECT, FLAGS]
    second = Dwarf()
    assert once(second, "PyObject", "flags") == [OBJECT, FLAGS]
    assert second.asked == []
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_what_each_session_learns_is_added() -> None:
    once(Dwarf(OBJECT, FLAGS), "PyObject")
    once(Dwarf(OBJECT, FLAGS), "flags")
    third = Dwarf()
    assert once(third, "PyObject", "flags") == [OBJECT, FLAGS]
    assert third.asked == []


def test_it_can_be_written_before_its_end(place: Path) -> None:
    cache = StructCache(Dwarf(OBJECT, FLAGS), offsets(ob_type=24), KEY)
    cache("PyObject")
    cache.save()
    assert list(json.loads(place.read_text())["structs"]) == ["PyObject"]
    cache("flags")
    cache.save()
    assert sorted(json.loads(place.read_text())["structs"]) == ["PyObject", "flags"]
    place.unlink()
    del cache
    assert not place.exists()


def test_a_struct_that_was_not_there_is_asked_for_again() -> None:
    once(Dwarf(OBJECT), "flags")
    assert once(Dwarf(OBJECT, FLAGS), "flags") == [FLAGS]


def test_what_disagrees_with_the_process_is_neither_used_nor_kept(place: Path) -> None:
    once(Dwarf(OBJECT, FLAGS), "PyObject")
    other = Dwarf(Struct("PyObject", 32, {"ob_type": Field(16, 8)}))
    found = once(other, "PyObject", process=offsets(ob_type=16))
    assert found == [other.structs["PyObject"]]
    before = place.read_text()
    once(Dwarf(OBJECT, FLAGS), "flags", "PyObject", process=offsets(ob_type=8))
    assert place.read_text() == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1}',
        '{"format": 0, "structs": {}}',
        '{"format": 1, "structs": []}',
        '{"format": 1, "structs": {"flags": 3}}',
        '{"format": 1, "structs": {"flags": {"size": 4, "fields": {"kind": []}}}}',
        '{"format": 1, "structs": {"PyObject": {"size": 31, "fields": {}}}}',
    ],
)
def test_a_damaged_file_is_none(place: Path, content: str) -> None:
    place.parent.mkdir(parents=True)
    place.write_text(content)
    assert once(Dwarf(OBJECT, FLAGS), "PyObject", "flags") == [OBJECT, FLAGS]


def test_a_damaged_file_is_replaced(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_text("{")
    once(Dwarf(OBJECT, FLAGS), "flags")
    assert json.loads(place.read_text())["structs"]["flags"] == {
        "size": 4,
        "fields": {"kind": [0, 1, 2, 3]},
    }


@pytest.mark.parametrize("key", [None, "", "../up"])
def test_without_a_key_nothing_is_kept(place: Path, key: str | None) -> None:
    assert once(Dwarf(OBJECT), "PyObject", key=key) == [OBJECT]
    assert not place.parent.exists()


def test_it_can_be_switched_off(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDBEXT_NO_CACHE", "1")
    once(Dwarf(OBJECT), "PyObject")
    assert not place.parent.exists()


def test_a_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path / "file"))
    assert once(Dwarf(OBJECT), "PyObject") == [OBJECT]


def test_the_key_is_of_one_file_as_it_is(tmp_path: Path) -> None:
    """A program with another's build id keeps nothing for that one's cores."""
    one, other = tmp_path / "python", tmp_path / "evil" / "python"
    other.parent.mkdir()
    for path in (one, other):
        path.write_bytes(b"the same")
    key = file_key(KEY, str(one))
    assert key == file_key(KEY, str(one))
    assert key != file_key(KEY, str(other))
    (tmp_path / "link").symlink_to(one)
    assert key == file_key(KEY, str(tmp_path / "link"))
    one.write_bytes(b"rewritten, and longer")
    assert key != file_key(KEY, str(one))
    assert file_key(KEY, str(tmp_path / "gone")) is None


@pytest.mark.parametrize("has_dwarf", [True, False])
def test_a_session_without_dwarf_takes_nothing_from_disk(tmp_path: Path, has_dwarf: bool) -> None:
    """What a report says must not hang on what ran before it."""
    program = tmp_path / "python3.13t"
    program.touch()
    build_id = "ab" * 20
    once(Dwarf(OBJECT), "PyObject", key=file_key(build_id, str(program)))
    debugger = FakeDebugger()
    debugger.structs = {"other": FLAGS} if has_dwarf else {}
    session = Session(debugger)
    session.offsets = offsets(ob_type=24)
    session.runtime_build_id = build_id
    session._runtime_module = Module(str(program), 0x400000, build_id)
    assert session._structs("PyObject") == (OBJECT if has_dwarf else None)
