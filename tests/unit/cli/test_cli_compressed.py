"""Compressed cores, whole and damaged."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gdbext.cli import compressed
from gdbext.tracing import keep
from unit.binfmt import elf_segments

HOLE = 3 << 20
CONTENT = elf_segments.core("/x/python", elf_segments.program()) + bytes(HOLE) + os.urandom(5000)


def pack(kind: str, folder: Path, content: bytes = CONTENT) -> Path:
    target = folder / f"core.{kind}"
    if kind == "gzip":
        target.write_bytes(gzip.compress(content))
    elif kind == "xz":
        target.write_bytes(lzma.compress(content))
    else:
        if not shutil.which(kind):
            pytest.fail(f"the tool {kind} is needed by this test; scripts/packages installs it")
        target.write_bytes(
            subprocess.run([kind, "-qc"], input=content, stdout=subprocess.PIPE, check=True).stdout
        )
    return target


KINDS = ("gzip", "xz", "zstd", "lz4")


@pytest.mark.parametrize("kind", KINDS)
def test_unpacks_into_a_sparse_file_that_is_gone_afterwards(kind: str, tmp_path: Path) -> None:
    packed = pack(kind, tmp_path)
    assert compressed.kind(str(packed)) == kind
    assert compressed.is_core(str(packed))
    with compressed.unpacked(str(packed)) as path:
        assert Path(path).read_bytes() == CONTENT
        assert os.stat(path).st_blocks * 512 < HOLE
    assert not os.path.exists(path)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_data_is_said(kind: str, tmp_path: Path) -> None:
    packed = pack(kind, tmp_path)
    packed.write_bytes(packed.read_bytes()[:-2000])
    with (
        pytest.raises(compressed.UnpackError, match=f"damaged {kind} data"),
        compressed.unpacked(str(packed)),
    ):
        pytest.fail("a damaged core was opened")


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_behind_the_first_bytes(kind: str, tmp_path: Path) -> None:
    packed = pack(kind, tmp_path)
    packed.write_bytes(packed.read_bytes()[:8] + os.urandom(3000))
    assert not compressed.is_core(str(packed))
    with pytest.raises(compressed.UnpackError), compressed.unpacked(str(packed)):
        pytest.fail("garbage was opened")


def test_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack("zstd", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compressed.is_core(str(packed))
    with (
        pytest.raises(compressed.UnpackError, match=r"no `zstd` here.*install the package zstd"),
        compressed.unpacked(str(packed)),
    ):
        pytest.fail("opened without its tool")


def test_full_disk_is_said_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "HEADROOM", 1 << 62)
    with (
        pytest.raises(compressed.UnpackError, match=r"no room.*TMPDIR"),
        compressed.unpacked(str(pack("gzip", tmp_path))),
    ):
        pytest.fail("unpacked without room")


def test_endless_zeros_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "MOST", 1 << 20)
    with (
        pytest.raises(compressed.UnpackError, match="more than a terabyte"),
        compressed.unpacked(str(pack("gzip", tmp_path, bytes(2 << 20)))),
    ):
        pytest.fail("unpacked a bomb")


def test_plain_core_is_opened_as_it_is(tmp_path: Path) -> None:
    core = elf_segments.write(tmp_path / "core", CONTENT)
    with compressed.unpacked(core) as path:
        assert path == core
    assert os.path.exists(core)


@pytest.mark.parametrize("content", [b"", b"text", elf_segments.program()])
def test_other_files_are_no_cores(content: bytes, tmp_path: Path) -> None:
    assert not compressed.is_core(elf_segments.write(tmp_path / "file", content))


def test_kept_core_is_small_and_equal(tmp_path: Path) -> None:
    core, kept = tmp_path / "core", tmp_path / "core.gz"
    with core.open("wb") as stream:
        stream.write(CONTENT)
        stream.seek(64 << 20, os.SEEK_CUR)
        stream.write(b"end")
    keep.compress(str(core), str(kept))
    assert kept.stat().st_size < 200_000
    assert gzip.decompress(kept.read_bytes()) == core.read_bytes()
