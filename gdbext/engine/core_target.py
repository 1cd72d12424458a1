"""A core, and the program that made it: found from the core alone, and checked against it.

Nothing here needs a debugger.  Each mistake a person can make with a core has a message of its own:
what is wrong, and what to try.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from typing import NamedTuple

from gdbext.binfmt import elf
from gdbext.target.protocol import DebuggerError, MemoryFault

ELF_MAGIC = b"\x7fELF"


class CoreTarget(NamedTuple):
    """What the debugger is to open, and what a person should know about it."""

    core: str
    executable: str
    warnings: list[str]


class CoreMemory:
    """The bytes that a core has, by address, read from the file."""

    def __init__(self, path: str) -> None:
        self._stream = open(path, "rb")  # noqa: SIM115  open as long as this memory is
        weakref.finalize(self, self._stream.close)
        _, segments = elf.program_headers(self._stream, path)
        self._loads = [s for s in segments if s.type == elf.PT_LOAD and s.filesz]

    def read(self, address: int, size: int) -> bytes:
        """Memory that the core has.

        Raises:
            MemoryFault
        """
        for segment in self._loads:
            if segment.vaddr <= address and address + size <= segment.vaddr + segment.filesz:
                try:
                    data = os.pread(
                        self._stream.fileno(), size, segment.offset + address - segment.vaddr
                    )
                except (OSError, OverflowError):
                    continue  # an offset that a damaged header made up
                if len(data) == size:
                    return data
        raise MemoryFault(address, size)


def open_target(
    path: str, executable: str | None = None, sysroot: str | None = None, shown: str | None = None
) -> CoreTarget:
    """Check the core at ``path``, and find its program unless ``executable`` is given.

    ``sysroot`` is a folder that stands for ``/`` of the machine where the core was made; ``shown``
    is the name for the core in messages, where ``path`` is only a temporary copy.

    Raises:
        DebuggerError: when there is nothing that a debugger could open.
    """
    shown = shown or path
    info = _read(path, shown)
    warnings = []
    if info.missing_bytes:
        missing = _size(info.missing_bytes)
        warnings.append(
            f"{shown} is truncated: {missing} that its headers promise are not in it (disk full, "
            "or a size limit?)"
        )
    if not info.threads:
        hint = (
            "it is truncated at its very start"
            if info.missing_bytes
            else "it was not made from a process, or it is damaged"
        )
        raise DebuggerError(f"{shown} has no threads: {hint}")
    memory = CoreMemory(path)
    base, original = _program(info)
    wanted = elf.build_id_in_memory(memory, base) if base is not None else None
    if executable is not None:
        _check_given(executable, shown, memory, base, wanted)
        return CoreTarget(path, executable, warnings)
    if info.missing_bytes and not info.files:
        raise DebuggerError(
            f"{shown} is truncated so early that it does not even tell which program made it; "
            "--exe EXE may get a little out of it"
        )
    for candidate in _candidates(shown, info, original, sysroot):
        if _fits(candidate, memory, base, wanted):
            if base is None or elf.identity_in_memory(memory, base) is None:
                warnings.append(
                    f"cannot tell whether {candidate} is of the build that made {shown}: "
                    "the core has neither its build id nor its first page"
                )
            return CoreTarget(path, candidate, warnings)
    raise DebuggerError(_not_found(shown, info, original, wanted))


def other_libraries(path: str, sysroot: str | None = None) -> list[str]:
    """Libraries of the core whose files here are of another build: the debugger would show wrong
    names for them.
    """
    info = elf.read_core(path)
    memory = CoreMemory(path)
    program, _ = _program(info)
    changed = []
    bases: dict[str, int] = {}
    for start, _, offset, name in info.files:
        if offset == 0:
            bases.setdefault(name, start)
    for name, base in bases.items():
        if base == program:
            continue
        then = elf.build_id_in_memory(memory, base)
        now = elf.build_id_in_file((sysroot or "") + name)
        if then and now and then != now:
            changed.append(name)
    return changed


def _read(path: str, shown: str) -> elf.CoreInfo:
    if os.path.isdir(path):
        raise DebuggerError(f"{shown} is a folder; for the cores in it: gdbext batch {shown}")
    if not os.path.exists(path):
        raise DebuggerError(f"there is no {shown}")
    if not os.path.isfile(path):
        raise DebuggerError(
            f"{shown} is not a file; a core has to be a file that can be read more than once"
        )
    if os.path.getsize(path) == 0:
        raise DebuggerError(
            f"{shown} is empty: the disk was full when it was written, or a limit cut it (ulimit "
            "-c)"
        )
    try:
        return elf.read_core(path)
    except DebuggerError as error:
        if "not a core" in str(error):
            raise DebuggerError(
                f"{shown} is a program or a library, not a core; the core comes first: "
                f"gdbext triage CORE --exe {shown}"
            ) from None
        raise DebuggerError(str(error).replace(path, shown)) from None


def _program(info: elf.CoreInfo) -> tuple[int | None, str | None]:
    """(address of its ELF header, path) of the program that ran, as the core names it."""
    files = [
        (start, end, offset, name.removesuffix(" (deleted)"))
        for start, end, offset, name in info.files
    ]
    chosen = None
    if info.program_headers is not None:
        chosen = next(
            (name for start, end, _, name in files if start <= info.program_headers < end), None
        )
    if chosen is None and info.program:
        # Without an auxiliary vector the kernel's short name has to do.
        chosen = next(
            (name for _, _, _, name in files if os.path.basename(name)[:15] == info.program), None
        )
    if chosen is None:
        return None, None
    base = min(start for start, _, _, name in files if name == chosen)
    return base, chosen


def _candidates(
    path: str, info: elf.CoreInfo, original: str | None, sysroot: str | None
) -> Iterator[str]:
    """Places where the program may be, the likeliest first.

    None of them is run: they are only compared with the core.
    """
    names = [original] if original else []
    first_word = (info.arguments or "").split(" ")[0]
    if first_word.startswith("/") and len(info.arguments or "") < 79:
        names.append(first_word)
    for name in names:
        if sysroot:
            yield sysroot.rstrip("/") + name
        yield name
    base = os.path.basename(original or info.program or "")
    if base:
        import shutil  # Most programs are where they were.

        yield os.path.join(os.path.dirname(os.path.abspath(path)), base)
        for word in dict.fromkeys((base, info.program or base)):
            if found := shutil.which(word):
                yield os.path.realpath(found)


def _fits(candidate: str, memory: CoreMemory, base: int | None, wanted: str | None) -> bool:
    try:
        with open(candidate, "rb") as stream:
            start = stream.read(4096)
    except OSError:
        return False
    if start[:4] != ELF_MAGIC:
        return False
    if wanted is not None:
        return elf.build_id_in_file(candidate) == wanted
    if base is None:
        return True
    # Without build ids the first page decides: it is the file's own headers, and the kernel puts it
    # into cores.
    then = elf.identity_in_memory(memory, base)
    return then is None or elf.identity_in_file(candidate) == then


def _check_given(
    executable: str, path: str, memory: CoreMemory, base: int | None, wanted: str | None
) -> None:
    try:
        with open(executable, "rb") as stream:
            start = stream.read(256)
    except OSError as error:
        raise DebuggerError(f"cannot read the executable {executable}: {error.strerror}") from None
    if start[:2] == b"#!":
        interpreter = start[2:].split(b"\n")[0].strip().decode(errors="replace")
        raise DebuggerError(
            f"{executable} is a script; a core is made by the program that runs it, "
            f"here `{interpreter}`. Leave --exe out to have that found from the core"
        )
    if start[:4] != ELF_MAGIC:
        raise DebuggerError(f"{executable} is not an ELF program")
    if not _fits(executable, memory, base, wanted):
        theirs = elf.build_id_in_file(executable)
        raise DebuggerError(
            f"{executable} did not make {path}: the core's program has build id "
            f"{wanted or 'none'}, this one {theirs or 'none'}. Leave --exe out to have the right "
            "one found, or give the very build that crashed"
        )


def _not_found(path: str, info: elf.CoreInfo, original: str | None, wanted: str | None) -> str:
    name = original or info.program or "a program that the core does not name"
    identity = f" (build id {wanted})" if wanted else ""
    remedy = (
        "give the same build with --exe EXE, or with --sysroot DIR the root folder of the machine "
        "or container that it ran in"
    )
    if original and os.path.exists(original):
        now = elf.build_id_in_file(original) or "one without build id"
        return (
            f"{original} is not the program that made {path}: it was another build then{identity}, "
            f"now it is {now}; {remedy}"
        )
    return f"{path} was made by {name}{identity}, which is not on this machine; {remedy}"


def _size(count: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 10_000:
            return f"{count} {unit}"
        count //= 1000
    return f"{count} GB"
