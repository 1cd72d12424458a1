"""Debug information from a symbol server that the user has named (``--debuginfod URL``).

A server is asked by build id (debuginfod(8), "webapi": ``GET /buildid/BUILDID/debuginfo``), for the
files of a core that have no debug information here.  What comes is kept in the user's cache, laid
out as a folder of debug information is, so that every debugger finds it.  Nothing else in gdbext
uses the network.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gdbext import user_cache
from gdbext.binfmt import debug_files, elf, sections
from gdbext.engine.core_target import CoreMemory
from gdbext.target.protocol import DebuggerError

SECONDS = 30.0
"""Without a byte from the server."""
MAX_BYTES = 4 << 30
MAX_FILES = 64
DEBUG_SECTIONS = (".debug_info", ".zdebug_info")
NOT_FOUND = 404


class Wanted(NamedTuple):
    """A file of the core without debug information here."""

    path: str
    build_id: str


def with_folder(request: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """The request of a core (see ``inside``) with the folder that has what its server sent.

    ``debuginfod`` in it is the server's address; without one nothing is asked.  ``say`` is given
    what a person should know.
    """
    url = request.get("debuginfod")
    if not url:
        return request
    for line in server(url).fetch(missing(request["core"], request.get("sysroot"))):
        say(line)
    return {**request, "debug_folder": folder()}


def folder() -> str:
    """Where what was fetched is kept: ``.build-id/ab/cdef….debug`` in it."""
    return os.path.join(user_cache.folder(), "debug")


def is_server(url: str) -> bool:
    """Whether that can be a server's address."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    return False


def missing(core: str, sysroot: str | None = None) -> list[Wanted]:
    """The ELF files that the core has mapped and whose debug information is not on this machine."""
    try:
        info = elf.read_core(core)
        memory = CoreMemory(core)
    except (DebuggerError, OSError):
        return []  # whoever opens it will say what is wrong
    where = debug_files.Where(sysroot=sysroot or "", folders=(folder(), debug_files.STANDARD))
    found = []
    for base, _, offset, path in info.files:
        build_id = elf.build_id_in_memory(memory, base) if offset == 0 else None
        if build_id and not _is_here(path, build_id, where):
            found.append(Wanted(path, build_id))
    return list(dict.fromkeys(found))[:MAX_FILES]


def _is_here(path: str, build_id: str, where: debug_files.Where) -> bool:
    if os.path.exists(_place(build_id)):
        return True
    for candidate in where.candidates(path):
        if elf.build_id_in_file(candidate) != build_id:
            continue
        here = (candidate, debug_files.separate(candidate, where.folders))
        return any(_has_debug_information(file) for file in here if file)
    return False


def _has_debug_information(path: str) -> bool:
    return any(name in sections.read(path).names for name in DEBUG_SECTIONS)


class Server:
    """A symbol server.  It is asked for nothing twice, and not any more once it has not answered:
    a batch has many cores of the same files.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._asked: set[str] = set()
        self._is_silent = False

    def fetch(self, wanted: Sequence[Wanted]) -> Iterator[str]:
        """Ask for each; yields what a person should know, one line each."""
        for file in wanted:
            if self._is_silent or file.build_id in self._asked:
                continue
            self._asked.add(file.build_id)
            if said := self._fetch(file):
                yield said

    def _fetch(self, file: Wanted) -> str | None:
        url, name = self._url, os.path.basename(file.path)
        address = f"{url.rstrip('/')}/buildid/{file.build_id}/debuginfo"
        try:
            size = _download(address, file.build_id)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == NOT_FOUND:
                return None
            return f"{url} refuses debug information of {name}: {error.code} {error.reason}"
        except (urllib.error.URLError, OSError) as error:
            self._is_silent = True
            reason = getattr(error, "reason", None) or error
            return f"{url} cannot be reached: {reason}; what it may have is left out"
        except ValueError as error:
            return f"{url}: what it sent for {name} is not used: {error}"
        return f"debug information of {name} from {url} ({size >> 20} MB)"


server = functools.cache(Server)
"""The server of that address, the same one each time in this process."""


def _download(address: str, build_id: str) -> int:
    """Fetch one file into the cache; its size.

    Raises:
        OSError: when the server cannot be reached, or the file cannot be written.
        ValueError: for what is not the debug information of that build.
    """
    place = _place(build_id)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    request = urllib.request.Request(address, headers={"User-Agent": "gdbext"})
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(place), suffix=".part") as part:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            length = int(answer.headers.get("Content-Length") or 0)
            if length > MAX_BYTES:
                raise ValueError(f"{length >> 20} MB are too many")
            shutil.copyfileobj(answer, part)
        part.flush()
        if elf.build_id_in_file(part.name) != build_id:
            raise ValueError("it is of another build")
        with contextlib.suppress(FileExistsError):
            os.link(part.name, place)
        return os.path.getsize(part.name)


def _place(build_id: str) -> str:
    return os.path.join(folder(), ".build-id", build_id[:2], f"{build_id[2:]}.debug")
