"""Which mapped files are extension modules that are not Python's own."""

from __future__ import annotations

from fakes import FakeDebugger
from gdbext.diagnosis.observe.extensions import extensions
from gdbext.session import Session
from gdbext.target.protocol import Region
from gdbext.target.values import Module, Symbol
from unit.diagnosis.crash_world import EXTENSION, PYTHON, STANDARD

CTYPES = "/lib-dynload/_ctypes.cpython-313t-x86_64-linux-gnu.so"
PATHS = (PYTHON, EXTENSION, STANDARD, CTYPES, "/lib/libffi.so.8", "/srv/libcache.so")


class Mapped(FakeDebugger):
    def regions(self) -> list[Region]:
        return [Region(m.base, m.base + 0x1000, path=m.path) for m in self.module_list]


def found(**entries: int) -> list[str]:
    debugger = Mapped()
    debugger.module_list = [Module(path, 0x1000 * n) for n, path in enumerate(PATHS, 1)]
    debugger.symbols = {name: Symbol(name, address, 16) for name, address in entries.items()}
    return list(extensions(Session(debugger), PYTHON))


def test_an_extension_has_what_an_import_calls() -> None:
    assert found(PyInit_shapes=0x2010, PyInit__struct=0x3010) == ["shapes", "_ctypes"]


def test_a_library_is_none() -> None:
    assert found() == ["_ctypes"]
    assert found(PyInit_shapes=0x6010) == ["_ctypes"], "another file's"
