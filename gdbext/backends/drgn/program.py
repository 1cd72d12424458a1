"""drgn's view of a core: its modules are those that the core's notes name, their files those that
TargetFiles has found.

By itself drgn follows the dynamic linker's list through memory, which a crash may have overwritten,
takes a file without a build id by its name, and asks symbol servers.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

import drgn

from gdbext.binfmt import elf
from gdbext.binfmt.files import TargetFiles
from gdbext.target.protocol import DebuggerError, Memory

ERRORS = (Exception,)
"""What drgn raises at files, names and addresses that are not as they should be: OSError,
LookupError, FaultError …, and a plain Exception for what elfutils complains of.
"""
DISABLED = "DRGN_DISABLE_PLUGINS"
PLUGINS = ("DRGN_PLUGINS", DISABLED)
VDSO = "[vdso]"
# Of expressions that it does not know drgn tells on stderr, unless somebody listens.
logging.getLogger("drgn").addHandler(logging.NullHandler())
MAX_VDSO = 1 << 20


class Opened:
    """A core that drgn has opened, with the files of its program and libraries.

    Debug information in files of its own is read when something is asked of their code: C
    libraries' is compressed, and all that drgn has it indexes with the rest.
    """

    def __init__(self, core: str, files: TargetFiles, memory: Memory) -> None:
        """Raises DebuggerError, with drgn's complaint."""
        self.program = drgn.Program()
        self._apart: list[tuple[drgn.Module, str]] = []
        try:
            with _no_plugins():
                self.program.set_core_dump(core)
            self.program.set_enabled_debug_info_finders([])
        except ERRORS as error:
            raise DebuggerError(f"drgn cannot open {core}: {error}") from None
        for module in files.modules(memory):
            if (here := files.here(memory, module.path)) and (
                added := _added(self.program, module.path, module.base, memory)
            ):
                _use(added, here)
                if added.wants_debug_file() and (apart := files.separate(here)):
                    self._apart.append((added, apart))
        if files.vdso is not None and (added := _added(self.program, VDSO, files.vdso, memory)):
            _use_copy(added, memory)

    def read_all(self) -> bool:
        """Read what debug information has not been read yet; False if there was none."""
        return self._read(self._apart)

    def read_at(self, addresses: Iterable[int]) -> bool:
        """The same for the files that have these addresses."""
        if not self._apart:
            return False
        wanted = set()
        for address in addresses:
            with suppress(LookupError):
                wanted.add(self.program.module(address).name)
        return self._read([each for each in self._apart if each[0].name in wanted])

    def _read(self, wanted: Sequence[tuple[drgn.Module, str]]) -> bool:
        self._apart = [each for each in self._apart if each not in wanted]
        for module, path in wanted:
            _use(module, path)
        return bool(wanted)


@contextmanager
def _no_plugins() -> Iterator[None]:
    """Keep drgn from loading plugins: its own ones for kernels, which take 0.1 s, and others."""
    kept = {name: os.environ.pop(name, None) for name in PLUGINS}
    os.environ[DISABLED] = "*"
    try:
        yield
    finally:
        del os.environ[DISABLED]
        os.environ.update({name: value for name, value in kept.items() if value is not None})


def _added(program: drgn.Program, name: str, base: int, memory: Memory) -> drgn.Module | None:
    """A module at ``base``; None where memory has no ELF image there."""
    try:
        segments = elf.image_headers(memory, base)
        end = max(s.vaddr + s.memsz for s in segments if s.type == elf.PT_LOAD)
        added = program.extra_module(name, base, create=True)
        # drgn puts the first address of the module's file at the start of this.
        added.address_range = base, end
    except ERRORS:
        return None
    return added


def _use(module: drgn.Module, path: str) -> None:
    """Give a module a file that was found to be its own."""
    with suppress(*ERRORS):
        module.try_file(path, force=True)


def _use_copy(module: drgn.Module, memory: Memory) -> None:
    """Give a module the image that memory has of it."""
    with suppress(*ERRORS):
        start, end = module.address_range or (0, 0)
        image = memory.read(start, min(end - start, MAX_VDSO))
        descriptor = os.memfd_create("gdbext")
        os.write(descriptor, image)
        module.try_file(module.name, fd=descriptor, force=True)
