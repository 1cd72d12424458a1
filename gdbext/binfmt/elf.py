"""What an ELF file, a core's headers or ``/proc`` say of memory maps and build ids, without any
debugger.

Both debuggers keep these things to themselves or show them in ways of their own; the files do not.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from gdbext.binfmt.maps import mappings
from gdbext.target.protocol import DebuggerError, MappedFile, Memory, MemoryFault, Region

PT_LOAD, PT_NOTE, PT_GNU_EH_FRAME = 1, 4, 0x6474E550
PF_W = 2
ET_DYN, ET_CORE = 3, 4
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_SIGINFO, NT_FILE = 1, 3, 6, 0x53494749, 0x46494C45
AT_PHDR, AT_SYSINFO_EHDR = 3, 33
FS_BASE = 112 + 21 * 8
"""Where elf_prstatus has it: number 21 of the registers in ``struct user_regs_struct``."""
NT_GNU_BUILD_ID = 3
MAX_NOTE_BYTES = 64 << 20
"""In all segments of a file together, which a damaged one may have thousands of."""
MAX_NOTES = 500_000
MAX_HEADERS = 200_000
PAGE = 4096
SECTION_FIELDS = ((40, 48), (58, 64))
"""Where the header of an ELF file has e_shoff; e_shentsize, e_shnum and e_shstrndx."""


class ProgramHeader(NamedTuple):
    """One program header."""

    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int


class CoreThread(NamedTuple):
    """A thread of a core, from its NT_PRSTATUS (``struct elf_prstatus`` of Linux's linux/elfcore.h)
    and NT_SIGINFO notes.
    """

    lwp: int
    signal: int
    """The number of the signal that the thread stopped at, 0 if none."""
    fs_base: int
    siginfo: bytes | None = None


class CoreInfo(NamedTuple):
    """What a core's headers and notes tell.

    ``program`` is the kernel's 15-letter name, ``arguments`` its 80.
    """

    regions: list[Region]
    files: list[MappedFile]
    """In address order."""
    program: str | None
    arguments: str | None
    missing_bytes: int
    """How many bytes the headers promise that the file does not have: above 0 the core is
    truncated.
    """
    threads: tuple[CoreThread, ...] = ()
    """The threads whose registers are in it, in the core's order: the kernel puts the one that died
    first.
    """
    program_headers: int | None = None
    """Where the program's own ELF headers were mapped (AT_PHDR): they tell the program from the
    libraries.
    """
    vdso: int | None = None
    """Where the kernel's own functions were mapped (AT_SYSINFO_EHDR)."""
    pid: int | None = None
    loads: tuple[ProgramHeader, ...] = ()
    """The PT_LOAD segments by address: memory, as far as ``filesz`` goes."""


def program_headers(stream: BinaryIO, path: str) -> tuple[int, list[ProgramHeader]]:
    """(e_type, program headers) of a 64-bit little-endian ELF file.

    Raises:
        DebuggerError: when it is not one.
    """
    header = _read_at(stream, 0, 64)
    if len(header) < 64 or header[:4] != b"\x7fELF":
        raise DebuggerError(f"{path} is not an ELF file, so it is neither a core nor a program")
    if header[4:6] != b"\x02\x01":
        raise DebuggerError(
            f"{path} is not 64-bit little-endian ELF, the only kind that is supported"
        )
    (kind,) = struct.unpack_from("<H", header, 16)
    (offset,) = struct.unpack_from("<Q", header, 32)
    entry_size, count = struct.unpack_from("<HH", header, 54)
    if count == 0xFFFF:
        count = _extended_count(stream, header)
    if not 56 <= entry_size <= 256 or count > MAX_HEADERS:
        raise DebuggerError(f"{path} has impossible ELF program headers")
    table = _read_at(stream, offset, entry_size * count)
    segments = []
    for i in range(len(table) // entry_size):
        p_type, flags, p_offset, vaddr, _, filesz, memsz, _ = struct.unpack_from(
            "<IIQQQQQQ", table, i * entry_size
        )
        segments.append(ProgramHeader(p_type, flags, p_offset, vaddr, filesz, memsz))
    return kind, segments


def _read_at(stream: BinaryIO, offset: int, size: int) -> bytes:
    """What the file has there: less than ``size``, or nothing, for an offset that a damaged header
    made up.
    """
    if offset >= 1 << 62:
        return b""
    stream.seek(offset)
    return stream.read(size)


def _extended_count(stream: BinaryIO, header: bytes) -> int:
    """PN_XNUM: with 65,535 segments or more, the count is in the first section header's sh_info."""
    (section_offset,) = struct.unpack_from("<Q", header, 40)
    raw = _read_at(stream, section_offset + 44, 4)
    return int.from_bytes(raw, "little") if len(raw) == 4 else 0


def notes(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """(owner, type, description) of each note in a PT_NOTE segment's bytes; stops at the first
    broken one, which one without an owner is.
    """
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, at)
        if not name_size:
            return
        start = at + 12
        body = start + (name_size + 3 & ~3)
        if body + size > len(data):
            return
        yield data[start : start + name_size].rstrip(b"\0"), kind, data[body : body + size]
        at = body + (size + 3 & ~3)


def _all_notes(
    stream: BinaryIO, segments: Sequence[ProgramHeader]
) -> Iterator[tuple[bytes, int, bytes]]:
    """Those of a file's segments, as far as there may be so many."""
    left, most = MAX_NOTE_BYTES, MAX_NOTES
    for segment in segments:
        if segment.type == PT_NOTE and left > 0:
            data = _read_at(stream, segment.offset, min(segment.filesz, left))
            left -= len(data)
            for note in itertools.islice(notes(data), most):
                most -= 1
                yield note


def read_core(path: str) -> CoreInfo:
    """A core file's memory map, mapped files, program name and completeness.

    Raises:
        DebuggerError: when the file cannot be read, or is not a core.
    """
    try:
        with open(path, "rb") as stream:
            kind, segments = program_headers(stream, path)
            if kind != ET_CORE:
                raise DebuggerError(f"{path} is an ELF file, but not a core")
            size = os.fstat(stream.fileno()).st_size
            files: list[MappedFile] = []
            program = arguments = headers = vdso = pid = None
            threads: list[CoreThread] = []
            for _, note_type, body in _all_notes(stream, segments):
                if note_type == NT_FILE:
                    files = list(_mapped_files(body))
                elif note_type == NT_PRSTATUS and len(body) >= FS_BASE + 8:
                    threads.append(_core_thread(body))
                elif note_type == NT_SIGINFO and threads:
                    # Notes of a thread follow its NT_PRSTATUS.
                    threads[-1] = threads[-1]._replace(siginfo=body)
                elif note_type == NT_AUXV:
                    words = dict(struct.iter_unpack("<QQ", body[: len(body) & ~15]))
                    headers, vdso = words.get(AT_PHDR), words.get(AT_SYSINFO_EHDR)
                elif note_type == NT_PRPSINFO and len(body) >= 136:
                    (pid,) = struct.unpack_from("<i", body, 24)
                    program = _text(body[40:56])
                    arguments = _text(body[56:136])
    except OSError as error:
        raise DebuggerError(f"cannot read {path}: {error.strerror}") from None
    loads = sorted((s for s in segments if s.type == PT_LOAD), key=lambda s: s.vaddr)
    missing = max((s.offset + s.filesz for s in loads), default=0) - size
    paths = {start: name for start, _, _, name in files}
    regions = [
        Region(s.vaddr, s.vaddr + s.memsz, bool(s.flags & PF_W), paths.get(s.vaddr)) for s in loads
    ]
    return CoreInfo(
        regions,
        files,
        program,
        arguments,
        max(missing, 0),
        tuple(threads),
        headers,
        vdso,
        pid,
        tuple(loads),
    )


def is_truncated(path: str) -> bool:
    """Whether a file is an ELF core that lacks bytes that its headers promise."""
    try:
        return read_core(path).missing_bytes > 0
    except DebuggerError:
        return False


def is_core(path: str) -> bool:
    """Whether a file is an ELF core."""
    try:
        with open(path, "rb") as stream:
            return program_headers(stream, path)[0] == ET_CORE
    except (OSError, DebuggerError):
        return False


def _core_thread(status: bytes) -> CoreThread:
    signal, lwp, fs_base = (
        struct.unpack_from(form, status, at)[0]
        for form, at in (("<h", 12), ("<i", 32), ("<Q", FS_BASE))
    )
    return CoreThread(lwp, signal, fs_base)


def _mapped_files(body: bytes) -> Iterator[MappedFile]:
    if len(body) < 16:
        return
    count, page_size = struct.unpack_from("<QQ", body)
    if 16 + count * 24 > len(body):
        return
    names = body[16 + count * 24 :].split(b"\0")
    for i in range(min(count, len(names))):
        start, end, offset = struct.unpack_from("<QQQ", body, 16 + i * 24)
        name = names[i].decode(errors="surrogateescape")
        yield MappedFile(start, end, offset * page_size, name)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode(errors="replace").strip()


def live_maps(pid: int) -> tuple[list[Region], list[MappedFile]]:
    """(regions, mapped files) of a running process of this machine, empty if ``/proc`` does not
    show it.
    """
    try:
        mapped = mappings(pid)
    except OSError:
        return [], []
    named = [(m, m.path.removesuffix(" (deleted)") or None) for m in mapped]
    regions = [
        Region(m.start, m.end, "w" in m.permissions, name)
        for m, name in named
        if "r" in m.permissions
    ]
    files = [
        MappedFile(m.start, m.end, m.offset, name)
        for m, name in named
        if name and name.startswith("/")
    ]
    return regions, files


def build_id_in_file(path: str) -> str | None:
    """The GNU build id of an ELF file, as hex; None if it has none or cannot be read."""
    try:
        with open(path, "rb") as stream:
            _, segments = program_headers(stream, path)
            return _build_id(_all_notes(stream, segments))
    except (OSError, DebuggerError):
        pass
    return None


def image_headers(memory: Memory, base: int) -> list[ProgramHeader]:
    """The program headers of the ELF image mapped at ``base``, their ``vaddr`` as mapped; empty if
    that is not an image.

    Raises:
        MemoryFault: when the headers cannot be read (Linux puts an image's first page into cores).
    """
    header = memory.read(base, 64)
    if header[:4] != b"\x7fELF":
        return []
    (offset,) = struct.unpack_from("<Q", header, 32)
    (kind,) = struct.unpack_from("<H", header, 16)
    entry_size, count = struct.unpack_from("<HH", header, 54)
    if entry_size < 56 or count > 64:
        return []
    table = memory.read(base + offset, entry_size * count)
    # A position-dependent program's addresses are absolute; others count from the base.
    bias = base if kind == ET_DYN else 0
    found = []
    for i in range(count):
        p_type, flags, p_offset, vaddr, _, filesz, memsz, _ = struct.unpack_from(
            "<IIQQQQQQ", table, i * entry_size
        )
        found.append(ProgramHeader(p_type, flags, p_offset, bias + vaddr, filesz, memsz))
    return found


def build_id_in_memory(memory: Memory, base: int) -> str | None:
    """The build id of the ELF image mapped at ``base``."""
    with contextlib.suppress(MemoryFault, struct.error):
        for segment in image_headers(memory, base):
            if (
                segment.type == PT_NOTE
                and segment.filesz <= 4096
                and (found := _build_id(notes(memory.read(segment.vaddr, segment.filesz))))
            ):
                return found
    return None


def identity_in_file(path: str) -> str | None:
    """What tells an ELF file's build from others: its build id, else what its first page has."""
    if found := build_id_in_file(path):
        return found
    try:
        with open(path, "rb") as stream:
            return _page_identity(stream.read(PAGE).ljust(PAGE, b"\0"))
    except OSError:
        return None


def identity_in_memory(memory: Memory, base: int) -> str | None:
    """The same of the ELF image mapped at ``base``; Linux puts its first page into cores."""
    with contextlib.suppress(MemoryFault):
        return build_id_in_memory(memory, base) or _page_identity(memory.read(base, PAGE))
    return None


def _page_identity(page: bytes) -> str | None:
    """A name made of the addresses and sizes of a file's segments and what its first page has more,
    without what says where its sections are: a stripped copy has the same.
    """
    if len(page) < PAGE or page[:4] != b"\x7fELF":
        return None
    header = bytearray(page)
    for start, end in SECTION_FIELDS:
        header[start:end] = bytes(end - start)
    return f"page{hashlib.sha256(header).hexdigest()[:40]}"


def _build_id(found: Iterator[tuple[bytes, int, bytes]]) -> str | None:
    return next(
        (body.hex() for owner, kind, body in found if owner == b"GNU" and kind == NT_GNU_BUILD_ID),
        None,
    )
