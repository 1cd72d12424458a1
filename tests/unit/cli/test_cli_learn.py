"""``gdbext learn``: what an interpreter says of itself, and what is kept of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fakes import FakeMemory
from gdbext.backends.programs import Program
from gdbext.binfmt import elf
from gdbext.cli import doctor
from gdbext.cli.main import main
from gdbext.cpython.versions import learnt
from gdbext.engine import launch
from gdbext.engine.outcome import CANNOT_OPEN, DIAGNOSED, PARTIAL
from gdbext.learning import interpreter
from gdbext.learning.dwarf import Entries
from gdbext.learning.interpreter import InterpreterFacts
from gdbext.learning.learn import learn
from unit.binfmt import elf_segments

BUILD_ID = "0123456789abcdef0123456789abcdef01234567"
OBJECT = {"size": 32, "fields": {"ob_type": [24, 8]}}
PATCHLEVEL = """
#define PY_MAJOR_VERSION 3
#define PY_MINOR_VERSION 15
#define PY_MICRO_VERSION 0
#define PY_RELEASE_SERIAL 1
#define PY_VERSION "3.15.0a1"
"""
NUMBER = 0x030F00A1
IDS = """
#define CACHE                                    0
#define NOP                                     27
#define LOAD_CONST                              82
#define BINARY_OP                               44
#define BINARY_OP_ADD_INT                      129
#define HAVE_ARGUMENT                           42
"""
METADATA = """
int _PyOpcode_num_popped(int opcode, int oparg)  {
    switch(opcode) {
        case BINARY_OP:
            return 2;
        case CACHE:
            return 0;
        case LOAD_CONST:
            return 0;
        case NOP:
            return 0;
    }
}
int _PyOpcode_num_pushed(int opcode, int oparg)  {
    switch(opcode) {
        case BINARY_OP:
            return 1;
        case CACHE:
            return 0;
        case LOAD_CONST:
            return 1;
        case NOP:
            return 0;
    }
}
const uint8_t _PyOpcode_Caches[256] = {
    [BINARY_OP] = 5,
};
const uint8_t _PyOpcode_Deopt[256] = {
    [BINARY_OP] = BINARY_OP,
    [BINARY_OP_ADD_INT] = BINARY_OP,
    [LOAD_CONST] = LOAD_CONST,
    [NOP] = NOP,
};
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    content = elf_segments.program(build_id=bytes.fromhex(BUILD_ID))
    return Path(elf_segments.write(tmp_path / "python", content))


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    folder = tmp_path / "include"
    (folder / "internal").mkdir(parents=True)
    (folder / "patchlevel.h").write_text(PATCHLEVEL)
    (folder / "opcode_ids.h").write_text(IDS)
    (folder / "opcode.h").write_text("#define NB_ADD 0\n#define NB_OPARG_LAST 1\n")
    (folder / "internal" / "pycore_opcode_metadata.h").write_text(METADATA)
    (folder / "internal" / "pycore_magic_number.h").write_text("#define PYC_MAGIC_NUMBER 3653\n")
    return folder


def python_of(
    binary: Path, *folders: Path, number: int = NUMBER, numbers: dict[str, int] | None = None
) -> InterpreterFacts:
    return InterpreterFacts(
        version="3.15.0a1",
        number=number,
        path=str(binary),
        binary=binary,
        flags={"Py_DEBUG": False},
        folders=folders,
        numbers={"LOAD_CONST": 82} if numbers is None else numbers,
        magic=3653,
        modules=(),
    )


def described(_path: Path, names: object) -> Entries:
    """Debug information that has one struct."""
    return {"PyObject": OBJECT}


def nothing(_path: Path, names: object) -> Entries:
    return {}


def test_what_debug_information_and_headers_say_is_kept(binary: Path, headers: Path) -> None:
    lesson = learn(python_of(binary, headers), described)
    layouts, offsets, instructions = lesson.parts
    assert (layouts.count, layouts.source) == (1, "its debug information")
    assert offsets.problem == "the layout of _Py_DebugOffsets is not known"
    assert (instructions.count, instructions.problem) == (4, "")
    assert learnt.save(lesson.content).stem == BUILD_ID
    facts = learnt.load(BUILD_ID)
    assert facts is not None
    assert (facts.name, facts.number) == ("3.15.0a1 of build 0123456789ab", NUMBER)
    assert facts.flavours == ("learnt",)
    assert facts.layouts("learnt") == {"PyObject": OBJECT}
    opcodes = facts.opcodes()
    assert opcodes["magic"] == 3653
    assert opcodes["opcodes"]["BINARY_OP"] == {"number": 44, "cache": 5, "pops": [2], "pushes": [1]}
    assert opcodes["variants"]["BINARY_OP_ADD_INT"] == [129, "BINARY_OP"]


def test_without_headers_instructions_are_not_learnt(binary: Path) -> None:
    layouts, _, instructions = learn(python_of(binary), described).parts
    assert layouts.count == 1
    assert "headers are not installed" in instructions.problem


def test_headers_of_another_version_are_not_used(binary: Path, headers: Path) -> None:
    """A distribution's header package may be one update behind."""
    lesson = learn(python_of(binary, headers, number=0x030F00A2), nothing)
    assert not any(part.count for part in lesson.parts)
    assert all("its headers are those of 3.15.0a1" in part.problem for part in lesson.parts)


def test_headers_that_contradict_the_interpreter_are_not_used(binary: Path, headers: Path) -> None:
    """The same version, built from another day's sources."""
    python = python_of(binary, headers, numbers={"LOAD_CONST": 83})
    instructions = learn(python, described).parts[-1]
    assert "LOAD_CONST is instruction 82 there, and 83 in the interpreter" in instructions.problem


def test_a_build_without_an_id_is_known_by_its_first_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = elf_segments.program(build_id=None)
    plain = Path(elf_segments.write(tmp_path / "plain", image))
    monkeypatch.setattr(interpreter, "ask", lambda _: python_of(plain))
    monkeypatch.setattr(launch, "find", lambda _: Program("gdb", ["gdb"], {}))
    monkeypatch.setattr("gdbext.cli.learn.reader", lambda *_: described)
    assert main(["learn", sys.executable]) == PARTIAL
    key = elf.identity_in_file(str(plain))
    assert key is not None
    assert key.startswith("page")
    assert learnt.load(key) is not None
    stripped = bytearray(image)
    stripped[40:48], stripped[58:64] = bytes(8), bytes(6)
    assert elf.identity_in_memory(FakeMemory({0x1000: bytes(stripped)}), 0x1000) == key
    other = elf_segments.program(build_id=None, marker=b"another")
    assert elf.identity_in_memory(FakeMemory({0x1000: other}), 0x1000) != key
    assert elf.identity_in_memory(FakeMemory({0x1000: bytes(stripped[:64])}), 0x1000) is None


def test_what_is_no_elf_file_is_not_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "python"
    text.write_text("#!/bin/sh")
    monkeypatch.setattr(interpreter, "ask", lambda _: python_of(text))
    monkeypatch.setattr(launch, "find", lambda _: Program("gdb", ["gdb"], {}))
    assert main(["learn", sys.executable]) == CANNOT_OPEN
    assert "is not a file by which its cores would be known" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("read", "code"), [(described, PARTIAL), (nothing, CANNOT_OPEN)], ids=["a part", "nothing"]
)
def test_the_exit_status_says_how_much_was_learnt(
    read: object,
    code: int,
    binary: Path,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter, "ask", lambda _: python_of(binary))
    monkeypatch.setattr(launch, "find", lambda _: Program("gdb", ["gdb"], {}))
    monkeypatch.setattr("gdbext.cli.learn.reader", lambda *_: read)
    assert main(["learn", sys.executable]) == code
    assert (cache / "learnt" / f"{BUILD_ID}.json").exists() == (code == PARTIAL)
    assert "✗ instructions  not learnt: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("no JSON", "does not start, or is no CPython 3"),
        (json.dumps({"free_threaded": False, "version": "3.14.1"}), "CPython 3.14.1 with a GIL"),
    ],
)
def test_what_is_no_free_threaded_python_is_refused(
    answer: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "python3"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    assert main(["learn", str(program)]) == CANNOT_OPEN
    assert said in capsys.readouterr().err
    assert main(["learn", str(tmp_path / "none")]) == CANNOT_OPEN


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": 0}', json.dumps({"format": 1, "build_id": BUILD_ID})],
)
def test_a_damaged_file_in_the_cache_is_as_good_as_none(text: str, cache: Path) -> None:
    (cache / "learnt").mkdir(parents=True)
    (cache / "learnt" / f"{BUILD_ID}.json").write_text(text)
    assert learnt.load(BUILD_ID) is None


def test_no_build_id_reaches_out_of_the_cache() -> None:
    assert learnt.load("../../etc/passwd") is None
    assert learnt.load(None) is None


def test_the_doctor_offers_to_learn_what_is_not_shipped(binary: Path) -> None:
    assert doctor._tables("3.13.5", str(binary), "python").sign == doctor.GOOD
    unknown = doctor._tables("3.15.0a1", str(binary), "/opt/python3.15t")
    assert (unknown.sign, unknown.mend) == (doctor.LACK, "gdbext learn /opt/python3.15t")
    learnt.save(learn(python_of(binary), described).content)
    known = doctor._tables("3.15.0a1", str(binary), "/opt/python3.15t")
    assert (known.sign, known.mend) == (doctor.GOOD, "")


def test_all_of_it_is_told_by_the_status(
    binary: Path, monkeypatch: pytest.MonkeyPatch, headers: Path
) -> None:
    monkeypatch.setattr(interpreter, "ask", lambda _: python_of(binary, headers))
    monkeypatch.setattr(launch, "find", lambda _: Program("gdb", ["gdb"], {}))
    field = {"size": 800, "fields": {"runtime_state.size": [24, 8]}}
    (headers / "internal" / "pycore_debug_offsets.h").write_text(
        "#define _Py_DebugOffsets_INIT(debug_cookie) { \\\n"
        "    .runtime_state = { \\\n"
        "        .size = sizeof(_PyRuntimeState), \\\n"
        "    }, \\\n"
        "}\n"
    )
    monkeypatch.setattr(
        "gdbext.cli.learn.reader",
        lambda *_: lambda *_: {"PyObject": OBJECT, "_Py_DebugOffsets": field},
    )
    assert main(["learn", sys.executable]) == DIAGNOSED
    facts = learnt.load(BUILD_ID)
    assert facts is not None
    assert facts.offsets() == [(24, "_PyRuntimeState", None)]
