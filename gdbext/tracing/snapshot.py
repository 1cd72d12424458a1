"""Writes the core of a stopped process, as the kernel would: same notes, same segments, holes where
memory was never touched.

It depends neither on core_pattern nor on ``ulimit -c``, and the process need not die.  Layouts are
those of Linux' ``fs/binfmt_elf.c`` and ``include/uapi/linux/elfcore.h``; which memory belongs into
a core is the kernel's default (``coredump_filter`` 0x33): what is private to the process, and the
first page of each mapped file.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gdbext.binfmt import maps
from gdbext.binfmt.maps import Mapping
from gdbext.tracing import proc, ptrace

PAGE = os.sysconf("SC_PAGE_SIZE")
CHUNK = 1 << 20
NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_AUXV, NT_SIGINFO, NT_FILE = (
    1,
    2,
    3,
    6,
    0x53494749,
    0x46494C45,
)
# e_machine, and the notes beyond the general registers that the architecture has (owner, type).
MACHINES = {
    "x86_64": (62, ((b"CORE", NT_FPREGSET), (b"LINUX", 0x202))),
    "aarch64": (183, ((b"CORE", NT_FPREGSET), (b"LINUX", 0x401))),
}
ET_CORE, PT_LOAD, PT_NOTE = 4, 1, 4
HEADER, PROGRAM_HEADER = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
SHARED_LIMIT = 16 << 20
"""Bytes of a shared anonymous mapping that are copied; a larger one is data for other processes,
not an interpreter's heap.
"""
# The top byte of a /proc/PID/pagemap entry: 0x80 present, 0x40 swapped out, 0x20 a file's (or
# shared) page.
TOUCHED = re.compile(rb"[\x40-\xff]+")
PRIVATE = re.compile(rb"[\x40-\x5f\x80-\x9f\xc0-\xdf]+")


class SnapshotError(Exception):
    """The core cannot be written; the message says why."""


class StopReason(NamedTuple):
    """Why the process stopped.

    ``info`` is the siginfo's 128 bytes, empty for a process that only hangs.
    """

    number: int = 0
    info: bytes = b""


class _Segment(NamedTuple):
    mapping: Mapping
    size: int
    """Bytes that the core has of it, from its start; the rest is in a file, or unreadable."""
    runs: list[tuple[int, int]]
    """(address, size) of what is really copied; what lies between reads as zeros."""


def write_core(path: str, pid: int, threads: Sequence[int], death: StopReason | None = None) -> int:
    """Write the core of process ``pid``, whose ``threads`` are all in a ptrace stop; the first is
    the one that counts.

    Returns the number of bytes that were copied.

    Raises:
        SnapshotError
    """
    death = death or StopReason()
    machine = os.uname().machine
    if machine not in MACHINES:
        raise SnapshotError(f"cores of {machine} processes cannot be written")
    try:
        mappings = maps.mappings(pid)
        notes = _notes(pid, threads, death, mappings, MACHINES[machine][1])
        with (
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory,
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap,
        ):
            segments = [
                _plan(mapping, pagemap.fileno())
                for mapping in mappings
                if not mapping.path.startswith(("[vvar", "[vsyscall"))
            ]
            with open(path, "wb", buffering=0, opener=_private) as core:
                return _write(core.fileno(), memory.fileno(), MACHINES[machine][0], notes, segments)
    except OSError as error:
        raise SnapshotError(
            f"cannot write a core of process {pid}: {error.strerror or error}"
        ) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _plan(mapping: Mapping, pagemap: int) -> _Segment:
    """What of a mapping goes into the core."""
    whole = [(mapping.start, mapping.end - mapping.start)]
    size = mapping.end - mapping.start
    if mapping.path == "[vdso]":
        return _Segment(mapping, size, whole)
    if mapping.permissions[3] == "s":
        # The page table only shows the pages that this process has used so far, so it is all or
        # nothing.
        is_memory = mapping.path.endswith("(deleted)") or mapping.path.startswith(
            ("/SYSV", "/memfd:", "/dev/zero")
        )
        return (
            _Segment(mapping, size, whole)
            if is_memory and size <= SHARED_LIMIT
            else _Segment(mapping, 0, [])
        )
    if not mapping.is_file:
        runs = list(_runs(mapping, pagemap, TOUCHED))
        return _Segment(mapping, size if runs else 0, runs)
    if mapping.path.endswith(" (deleted)") or next(_runs(mapping, pagemap, PRIVATE), None):
        return _Segment(mapping, size, whole)
    if mapping.offset == 0 and mapping.permissions[0] == "r":
        return _Segment(mapping, PAGE, [(mapping.start, PAGE)])
    return _Segment(mapping, 0, [])


def _runs(mapping: Mapping, pagemap: int, wanted: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """(address, size) of consecutive pages of that kind."""
    address = mapping.start
    while address < mapping.end:
        entries = os.pread(
            pagemap, min(CHUNK, (mapping.end - address) // PAGE * 8), address // PAGE * 8
        )
        if not entries:
            return
        for run in wanted.finditer(entries[7::8]):
            yield address + run.start() * PAGE, (run.end() - run.start()) * PAGE
        address += len(entries) // 8 * PAGE


def _write(core: int, memory: int, machine: int, notes: bytes, segments: list[_Segment]) -> int:
    count = len(segments) + 1
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    notes_at = HEADER.size + count * PROGRAM_HEADER.size
    headers = [
        HEADER.pack(
            ident,
            ET_CORE,
            machine,
            1,
            0,
            HEADER.size,
            0,
            0,
            HEADER.size,
            PROGRAM_HEADER.size,
            count,
            0,
            0,
            0,
        ),
        PROGRAM_HEADER.pack(PT_NOTE, 0, notes_at, 0, 0, len(notes), 0, 4),
    ]
    offset = _aligned(notes_at + len(notes))
    copied = 0
    buffer = bytearray(CHUNK)
    for segment in segments:
        start, end, permissions = segment.mapping[:3]
        flags = sum(bit for bit, letter in ((4, "r"), (2, "w"), (1, "x")) if letter in permissions)
        headers.append(
            PROGRAM_HEADER.pack(PT_LOAD, flags, offset, start, 0, segment.size, end - start, PAGE)
        )
        for address, size in segment.runs:
            copied += _copy(core, offset + address - start, memory, address, size, buffer)
        offset += segment.size
    os.ftruncate(core, offset)
    os.pwrite(core, b"".join(headers) + notes, 0)
    return copied


def _copy(core: int, offset: int, memory: int, address: int, size: int, buffer: bytearray) -> int:
    """Copy a run of pages; what cannot be read (a guard page, a device) stays a hole."""
    done = 0
    view = memoryview(buffer)
    while done < size:
        wanted = min(CHUNK, size - done)
        try:
            got = os.preadv(memory, [view[:wanted]], address + done)
        except OSError:
            got = 0
        if got:
            os.pwrite(core, view[:got], offset + done)
        done += got or PAGE
    return done


# --- notes ---------------------------------------------------------------------------------------


def _notes(
    pid: int,
    threads: Sequence[int],
    death: StopReason,
    mappings: Sequence[Mapping],
    extra: Sequence[tuple[bytes, int]],
) -> bytes:
    with open(f"/proc/{pid}/auxv", "rb") as stream:
        auxv = stream.read()
    # After the command's name, which may have any character in it, the fields count from the
    # parent's id.
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
        parent, group, session = (
            int(word) for word in stream.read().rpartition(")")[2].split()[1:4]
        )
    family = (parent, group, session)
    found: list[bytes] = []
    for thread in threads:
        registers = ptrace.registers(thread, NT_PRSTATUS)
        found.append(_note(b"CORE", NT_PRSTATUS, _thread_status(thread, family, death, registers)))
        if thread == threads[0]:
            found.append(_note(b"CORE", NT_PRPSINFO, _process_info(pid, family)))
            if death.info:
                found.append(_note(b"CORE", NT_SIGINFO, death.info))
            found.append(_note(b"CORE", NT_AUXV, auxv))
            found.append(_note(b"CORE", NT_FILE, _mapped_files(mappings)))
        for owner, kind in extra:
            if content := ptrace.registers(thread, kind):
                found.append(_note(owner, kind, content))
    return b"".join(found)


def _thread_status(
    thread: int, family: tuple[int, int, int], death: StopReason, registers: bytes
) -> bytes:
    """``struct elf_prstatus``; its times stay 0."""
    fields = {}
    with contextlib.suppress(OSError):
        fields = proc.status(thread)
    code = struct.unpack_from("<i", death.info, 8)[0] if death.info else 0
    head = struct.pack(
        "<iiihxxQQiiii64x",
        death.number,
        code,
        0,
        death.number,
        int(fields.get("SigPnd", "0"), 16),
        int(fields.get("SigBlk", "0"), 16),
        thread,
        *family,
    )
    return head + registers + struct.pack("<ixxxx", 1)


def _process_info(pid: int, family: tuple[int, int, int]) -> bytes:
    """``struct elf_prpsinfo``."""
    fields = proc.status(pid)
    user, group = (int(fields[key].split()[0]) for key in ("Uid", "Gid"))
    name, command = proc.name(pid).encode()[:15], proc.command(pid).encode()[:79]
    return struct.pack(
        "<bcbbxxxxQIIiiii16s80s", 0, b"R", 0, 0, 0, user, group, pid, *family, name, command
    )


def _mapped_files(mappings: Sequence[Mapping]) -> bytes:
    files = [m for m in mappings if m.is_file]
    table = b"".join(struct.pack("<QQQ", m.start, m.end, m.offset // PAGE) for m in files)
    names = b"".join(m.path.encode(errors="surrogateescape") + b"\0" for m in files)
    return struct.pack("<QQ", len(files), PAGE) + table + names


def _note(owner: bytes, kind: int, content: bytes) -> bytes:
    name = owner + b"\0"
    return (
        struct.pack("<III", len(name), len(content), kind)
        + name.ljust(_aligned(len(name), 4), b"\0")
        + content.ljust(_aligned(len(content), 4), b"\0")
    )


def _aligned(size: int, unit: int = PAGE) -> int:
    return (size + unit - 1) // unit * unit
