"""Finding the program of a core, and saying what is wrong with either."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

import pytest

from gdbext.binfmt import elf
from gdbext.engine import inside
from gdbext.engine.core_target import CoreMemory, CoreTarget, open_target, other_libraries
from gdbext.target.protocol import DebuggerError, MemoryFault
from unit.binfmt import elf_segments

OTHER_ID = b"\x22" * 20


def test_program_is_found_where_the_core_says(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "bin/python3.13", elf_segments.program())
    core = elf_segments.write(tmp_path / "core", elf_segments.core(program, elf_segments.program()))
    assert open_target(core) == (core, program, [])


def test_program_is_told_from_libraries_by_its_headers_address(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program())
    library = elf_segments.write(tmp_path / "libpython.so", elf_segments.program(OTHER_ID))
    core = elf_segments.write(
        tmp_path / "core",
        elf_segments.core(
            program,
            elf_segments.program(),
            others={library: (0x7000_0000_0000, elf_segments.program(OTHER_ID))},
        ),
    )
    assert open_target(core).executable == program


def test_without_auxiliary_vector_the_short_name_decides(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program())
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core(program, elf_segments.program(), auxv=False)
    )
    assert open_target(core).executable == program


def test_moved_program_is_found_beside_the_core(tmp_path: Path) -> None:
    beside = elf_segments.write(tmp_path / "python", elf_segments.program())
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core("/nowhere/bin/python", elf_segments.program())
    )
    assert open_target(core).executable == beside


def test_same_name_but_other_build_is_not_taken(tmp_path: Path) -> None:
    elf_segments.write(tmp_path / "python", elf_segments.program(OTHER_ID))
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core("/nowhere/bin/python", elf_segments.program())
    )
    with pytest.raises(
        DebuggerError,
        match=r"/nowhere/bin/python \(build id 1{40}\), which is not on this machine; .*--exe",
    ):
        open_target(core)


def test_replaced_program_is_named_with_both_build_ids(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program(OTHER_ID))
    core = elf_segments.write(
        tmp_path / "sub/core", elf_segments.core(program, elf_segments.program())
    )
    with pytest.raises(
        DebuggerError, match=r"another build then \(build id 1{40}\), now it is 2{40}"
    ):
        open_target(core)


def test_deleted_program_that_is_there_again(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program())
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core(program + " (deleted)", elf_segments.program())
    )
    assert open_target(core).executable == program


def test_sysroot_comes_first(tmp_path: Path) -> None:
    root = tmp_path / "image"
    inside = elf_segments.write(root / "usr/bin/python", elf_segments.program())
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core("/usr/bin/python", elf_segments.program())
    )
    assert open_target(core, sysroot=str(root)).executable == inside


def test_without_build_ids_the_first_page_decides(tmp_path: Path) -> None:
    page = elf_segments.program(None, b"one")
    right = elf_segments.write(tmp_path / "right", page)
    wrong = elf_segments.write(tmp_path / "wrong", elf_segments.program(None, b"two"))
    core = elf_segments.write(tmp_path / "core", elf_segments.core(right, page))
    assert open_target(core) == CoreTarget(core, right, [])
    with pytest.raises(DebuggerError, match="did not make"):
        open_target(core, wrong)


def test_a_copy_with_its_sections_elsewhere_is_the_same_program(tmp_path: Path) -> None:
    """What has symbols and debug information is longer, and says in its header where they are."""
    page = elf_segments.program(None, b"one")
    stripped = elf_segments.write(tmp_path / "stripped", page)
    start, end = elf.SECTION_FIELDS[0]
    whole = elf_segments.write(tmp_path / "whole", page[:start] + b"\7" * 8 + page[end:])
    core = elf_segments.write(tmp_path / "core", elf_segments.core(stripped, page))
    assert open_target(core, whole) == CoreTarget(core, whole, [])


def test_core_without_the_programs_first_page_warns(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program())
    core = elf_segments.write(tmp_path / "core", elf_segments.core(program, None))
    assert "cannot tell whether" in open_target(core).warnings[0]


def test_given_program_of_another_build_is_refused(tmp_path: Path) -> None:
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core("/x/python", elf_segments.program())
    )
    other = elf_segments.write(tmp_path / "other", elf_segments.program(OTHER_ID))
    with pytest.raises(
        DebuggerError, match=r"other did not make .*build id 1{40}, this one 2{40}.*Leave --exe out"
    ):
        open_target(core, other)


def test_given_script_names_its_interpreter(tmp_path: Path) -> None:
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core("/x/python", elf_segments.program())
    )
    script = elf_segments.write(
        tmp_path / "pytest", b"#!/opt/python3.13t/bin/python\nimport pytest\n"
    )
    with pytest.raises(DebuggerError, match=r"is a script.*`/opt/python3.13t/bin/python`"):
        open_target(core, script)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello, this is text", "not an ELF file"),
        (b"\x7fELF\x01\x01" + bytes(80), "not 64-bit"),
        (elf_segments.program(), "is a program or a library, not a core"),
        (
            elf_segments.core("/x/python", elf_segments.program(), threads=0),
            "has no threads: it was not made from a process",
        ),
        (
            elf_segments.core("/x/python", elf_segments.program())[:300],
            "truncated at its very start",
        ),
    ],
)
def test_what_is_no_core_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    path = elf_segments.write(tmp_path / "given", content)
    with pytest.raises(DebuggerError, match=message) as caught:
        open_target(path, shown="shown.zst")
    assert str(caught.value).startswith("shown.zst ")
    assert str(tmp_path) not in str(caught.value)


def test_folder_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DebuggerError, match="is a folder; for the cores in it: gdbext batch"):
        open_target(str(tmp_path))
    with pytest.raises(DebuggerError, match=r"there is no .*nothing"):
        open_target(str(tmp_path / "nothing"))


def test_truncated_core_warns_and_goes_on(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program())
    whole = elf_segments.core(
        program,
        elf_segments.program(),
        others={"/lib/x.so": (0x7000_0000_0000, elf_segments.program(OTHER_ID))},
    )
    core = elf_segments.write(tmp_path / "core", whole[:-4000])
    found = open_target(core)
    assert found.executable == program
    assert "truncated: 4000 bytes" in found.warnings[0]


def test_libraries_of_another_build_are_named(tmp_path: Path) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program(OTHER_ID))
    same = elf_segments.write(tmp_path / "same.so", elf_segments.program())
    changed = elf_segments.write(tmp_path / "changed.so", elf_segments.program(OTHER_ID))
    others = {
        same: (0x7000_0000_0000, elf_segments.program()),
        changed: (0x7100_0000_0000, elf_segments.program()),
    }
    core = elf_segments.write(
        tmp_path / "core", elf_segments.core(program, elf_segments.program(), others=others)
    )
    assert other_libraries(core) == [changed]


def test_core_memory_reads_what_the_file_has(tmp_path: Path) -> None:
    memory = CoreMemory(
        elf_segments.write(
            tmp_path / "core", elf_segments.core("/x/python", elf_segments.program())
        )
    )
    assert memory.read(elf_segments.BASE, 4) == b"\x7fELF"
    for address, size in ((elf_segments.BASE + elf_segments.PAGE - 2, 4), (0, 1)):
        with pytest.raises(MemoryFault):
            memory.read(address, size)


@pytest.mark.parametrize("seed", range(200))
def test_damaged_headers_never_raise_anything_else(tmp_path: Path, seed: int) -> None:
    program = elf_segments.write(tmp_path / "python", elf_segments.program())
    damaged = bytearray(elf_segments.core(program, elf_segments.program()))
    random = Random(seed)
    for _ in range(random.randint(1, 20)):
        damaged[random.randrange(min(len(damaged), 9000))] = random.choice(
            (0, 0xFF, random.randrange(256))
        )
    core = elf_segments.write(
        tmp_path / "core",
        bytes(damaged[: random.choice((len(damaged), random.randrange(len(damaged))))]),
    )
    complaint = None
    try:
        assert open_target(core).core == core
        other_libraries(core)
    except DebuggerError as error:
        complaint = str(error)
    assert complaint is None or core in complaint


def test_messages_about_hostile_names_are_harmless() -> None:
    heard = io.StringIO()
    inside._say(heard, ["/tmp/\x1b[31m\n::error::x ##[group] was made by somebody"])
    assert heard.getvalue().count("\n") == 1
    assert "\x1b" not in heard.getvalue()
    assert "##[" not in heard.getvalue()
