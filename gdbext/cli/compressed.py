"""Compressed cores: recognised by their first bytes, unpacked into a temporary sparse file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import IO

# First bytes: (name, the command that unpacks to its stdout, Python's own module where there is
# one).
KINDS: dict[bytes, tuple[str, tuple[str, ...], str | None]] = {
    b"\x28\xb5\x2f\xfd": ("zstd", ("zstd", "-dcq", "--"), None),
    b"\x04\x22\x4d\x18": ("lz4", ("lz4", "-dcq", "--"), None),
    b"\x1f\x8b": ("gzip", (), "gzip"),
    b"\xfd7zXZ\x00": ("xz", (), "lzma"),
}
BLOCK = 1 << 18
ZEROS = bytes(BLOCK)
HEADROOM = 256 << 20
"""Bytes of the disk that unpacking leaves free."""
MOST = 1 << 40
"""Bytes that a core may have unpacked, holes included: a terabyte of zeros fits into a megabyte of
zstd.
"""


class UnpackError(Exception):
    """A compressed core cannot be unpacked; the message says why and what to do."""


def kind(path: str) -> str | None:
    """``zstd``, ``lz4``, ``gzip`` or ``xz``; None for anything else, and for what
    cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            start = stream.read(8)
    except OSError:
        return None
    return kind_of(start)


def kind_of(start: bytes) -> str | None:
    """The same, by a file's first bytes."""
    return next((name for magic, (name, _, _) in KINDS.items() if start.startswith(magic)), None)


def is_core(path: str) -> bool:
    """Whether a file is a core, compressed or not, by the first bytes of its content."""
    try:
        name = kind(path)
        if name is None:
            with open(path, "rb") as stream:
                start = stream.read(18)
        else:
            with _reader(path, name, whole=False) as source:
                start = source.read(18)
    except UnpackError:
        return "core" in os.path.basename(
            path
        )  # without its tool the name has to do; triage will say what is missing
    except (
        Exception
    ):  # Whatever a damaged archive makes its module raise: it is not a core that we can read.
        return False
    return is_core_header(start)


def is_core_header(start: bytes) -> bool:
    """Whether a file that begins with these 18 bytes is an ELF core."""
    return start[:4] == b"\x7fELF" and start[16:18] == b"\x04\x00"


@contextlib.contextmanager
def unpacked(path: str) -> Iterator[str]:
    """The path of the core to open: ``path`` itself, or for a compressed one a temporary file that
    is gone afterwards.

    Raises:
        UnpackError
    """
    name = kind(path)
    if name is None:
        yield path
        return
    import gzip
    import lzma
    import tempfile
    import zlib

    descriptor, temporary = tempfile.mkstemp(prefix="gdbext-", suffix=".core")
    try:
        with os.fdopen(descriptor, "wb") as target, _reader(path, name) as source:
            try:
                copy_sparse(source, target)
            except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
                raise UnpackError(f"{path} is damaged {name} data: {error}") from None
            except OSError as error:
                raise UnpackError(f"cannot unpack {path}: {error.strerror or error}") from None
        yield temporary
    finally:
        os.unlink(temporary)


def copy_sparse(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy, leaving holes for blocks of zeros: most of a free-threaded Python's core is reserved,
    untouched memory.

    Raises:
        UnpackError: before the disk is full.
    """
    written = total = 0
    while block := source.read(BLOCK):
        total += len(block)
        if total > MOST:
            raise UnpackError(
                "the core unpacks to more than a terabyte, which no core of a Python has"
            )
        if block == ZEROS or block.count(0) == len(block):
            target.seek(len(block), os.SEEK_CUR)
            continue
        if written % (64 << 20) < BLOCK:
            free = os.fstatvfs(target.fileno())
            if free.f_bavail * free.f_frsize < HEADROOM:
                raise UnpackError(
                    "no room to unpack the core in "
                    f"{os.path.dirname(str(target.name)) or 'the temporary folder'}; set TMPDIR"
                )
        target.write(block)
        written += len(block)
    target.truncate()


@contextlib.contextmanager
def _reader(path: str, name: str, whole: bool = True) -> Iterator[IO[bytes]]:
    command, module = next(
        (command, module) for kind_, command, module in KINDS.values() if kind_ == name
    )
    if module is not None:
        import importlib

        with importlib.import_module(module).open(path, "rb") as stream:
            yield stream
        return
    import shutil
    import subprocess

    if not shutil.which(command[0]):
        raise UnpackError(
            f"{path} is compressed with {name}, and there is no `{command[0]}` here to unpack it; "
            f"install the package {command[0]}"
        )
    with subprocess.Popen(
        [*command, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        yield process.stdout
        if not whole:
            process.kill()
            return
        complaint = process.stderr.read().decode(errors="replace").strip()
        if process.wait() != 0:
            raise UnpackError(
                f"{path} is damaged {name} data: "
                f"{complaint.splitlines()[-1] if complaint else process.returncode}"
            )
