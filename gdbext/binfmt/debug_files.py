"""Debug information and symbols that were taken out of an ELF file, and where the files of a target
are on this machine.

Distributions ship programs without them, and put them into files apart.  A program names its file
by its build id (``/usr/lib/debug/.build-id/ab/cdef….debug``) and by the section ``.gnu_debuglink``,
a file name and the file's CRC-32; gdb's manual, "Debugging Information in Separate Files", says
where that file may lie.  Fedora leaves functions' names in the program, as a small ELF file
compressed by xz in the section ``.gnu_debugdata`` ("MiniDebugInfo" in the same manual).
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator

from gdbext.binfmt import elf, sections
from gdbext.binfmt.sections import ElfFile
from gdbext.frozen import dataclass
from gdbext.target.values import Module

STANDARD = "/usr/lib/debug"
LINK, MINIMAL = ".gnu_debuglink", ".gnu_debugdata"
DELETED = " (deleted)"
MAX_MINIMAL = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a target's files are on this machine.

    ``sysroot`` is a folder that stands for ``/`` of the machine where the target runs or ran, empty
    for this one; ``executable`` the program's file here; ``folders`` are searched for files of
    debug information, as gdb's ``debug-file-directory`` is.
    """

    sysroot: str = ""
    executable: str | None = None
    folders: tuple[str, ...] = (STANDARD,)

    def candidates(self, path: str, pid: int | None = None) -> Iterator[str]:
        """Files that may be the one that the target has mapped as ``path``, the likeliest first.

        A live process goes on with a program that was deleted or replaced; ``/proc`` still has it.
        """
        name = path.removesuffix(DELETED)
        if self.sysroot:
            yield self.sysroot.rstrip("/") + name
        yield name
        if self.executable:
            yield self.executable
        if pid is not None:
            yield f"/proc/{pid}/exe"


def stand_ins(modules: Iterable[Module], sysroot: str) -> list[str]:
    """Folders of this machine with files of the target, the same builds, that the sysroot lacks.

    A folder that stands for a container's ``/`` often has the program and not the C library.

    >>> stand_ins(debugger.modules(), "/srv/container")        # doctest: +SKIP
    ['/usr/lib/x86_64-linux-gnu']
    """
    root = sysroot.rstrip("/")
    found = [
        os.path.dirname(module.path)
        for module in modules
        if module.build_id
        and not os.path.exists(root + module.path)
        and elf.build_id_in_file(module.path) == module.build_id
    ]
    return list(dict.fromkeys(found))


def separate(path: str, folders: tuple[str, ...] = (STANDARD,)) -> str | None:
    """The file that has what was taken out of the ELF file at ``path``; None if there is none here.

    >>> separate("/usr/bin/python3.14t")        # doctest: +SKIP
    '/usr/lib/debug/.build-id/3f/0c91….debug'
    """
    build_id = elf.build_id_in_file(path)
    if build_id:
        for folder in folders:
            candidate = os.path.join(folder, ".build-id", build_id[:2], f"{build_id[2:]}.debug")
            if os.path.exists(candidate):
                return candidate
    link = _link(sections.read(path))
    if link is None:
        return None
    name, checksum = link
    here = os.path.dirname(os.path.realpath(path))
    places = [here, os.path.join(here, ".debug"), *(folder + here for folder in folders)]
    for candidate in (os.path.join(place, name) for place in places):
        if os.path.exists(candidate) and not os.path.samefile(candidate, path):
            theirs = elf.build_id_in_file(candidate)
            # Equal build ids say as much as the checksum of the whole file, and cost nothing.
            if theirs == build_id if theirs and build_id else _checksum(candidate) == checksum:
                return candidate
    return None


def minimal(file: ElfFile) -> ElfFile | None:
    """The ELF file with functions' names that is packed into ``file``; None if there is none."""
    section = file.names.get(MINIMAL)
    if section is None:
        return None
    with contextlib.suppress(ImportError, EOFError, MemoryError):
        import lzma  # a debugger's own Python may lack it

        with contextlib.suppress(lzma.LZMAError):
            unpacker = lzma.LZMADecompressor(memlimit=MAX_MINIMAL)
            packed = bytes(file.data[section.start : section.end])
            return ElfFile.of_bytes(unpacker.decompress(packed, MAX_MINIMAL))
    return None


def _link(file: ElfFile) -> tuple[str, int] | None:
    """(file name, CRC-32) in ``.gnu_debuglink``: a text, padding to four bytes, the checksum."""
    section = file.names.get(LINK)
    if section is None or section.end - section.start < 8:
        return None
    name = file.text(section.start)
    checksum = bytes(file.data[section.end - 4 : section.end])
    return (name, int.from_bytes(checksum, "little")) if name and "/" not in name else None


def _checksum(path: str) -> int | None:
    try:
        with open(path, "rb") as stream:
            found = 0
            while block := stream.read(1 << 20):
                found = zlib.crc32(block, found)
            return found
    except OSError:
        return None
