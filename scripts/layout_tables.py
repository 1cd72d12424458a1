#!/usr/bin/env python3
"""Make gdbext/cpython/layout/tables/VERSION.json, the layouts for interpreters without debug information.

3.13.5 comes from the DWARF of the lab's own builds.  The layouts of 3.14.10 and 3.15.2 come from their headers, which
Debian's binary packages ``libpython3.14-dev`` and ``libpython3.15-dev`` have: a small C file with every struct is compiled with
``Py_GIL_DISABLED`` and its DWARF is read the same way.  gdb does the reading::

    $ scripts/layout_tables.py           # all tables
    $ scripts/layout_tables.py 3.13      # one
    $ scripts/layout_tables.py --check   # nothing is written; exit 1 if a table is not what would be made now

Every run also compiles that C file against 3.13.5's headers and compares with 3.13.5's DWARF.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "scripts")]

import interpreters  # noqa: E402  (gdb runs this file too, and has no idea of the checkout before)

TABLES = CHECKOUT / "gdbext" / "layout" / "tables"
SOURCE = Path(__file__).with_name("layouts.c")
MINORS = ("3.13", "3.14", "3.15")
FLAVOURS = ("release", "debug")
NAMES = "LAYOUT_TABLES_NAMES"
"""The environment variable that tells this file, run inside gdb, what to read."""

Numbers = list[int]
Entry = dict[str, "int | dict[str, Numbers]"]
Table = dict[str, Entry]

# By CPython's own names for them.  A version that lacks one has no entry for it.
STRUCTS = """
PyObject PyVarObject PyListObject _PyListArray PyTupleObject PyDictObject PyDictKeysObject PyDictValues PyDictKeyEntry
PyDictUnicodeEntry PyFrozenDictObject PySetObject setentry PyASCIIObject PyCompactUnicodeObject PyUnicodeObject PyLongObject
_PyLongValue PyFloatObject PyComplexObject PyBytesObject PyByteArrayObject PyTypeObject PyHeapTypeObject PyFunctionObject
PyMethodObject PyCFunctionObject PyCMethodObject PyMethodDef PyMemberDef PyGetSetDef PyDescrObject PyMethodDescrObject
PyMemberDescrObject PyGetSetDescrObject PyWrapperDescrObject wrapperbase wrapperobject mappingproxyobject propertyobject superobject
PyCellObject PyModuleObject PyModuleDef PyModuleDef_Base PyModuleDef_Slot PyWeakReference PyBaseExceptionObject PyCodeObject
PyGenObject PyCoroObject PyAsyncGenObject PyFrameObject PyTracebackObject PySliceObject unionobject gaobject classmethod
staticmethod _PyNamespaceObject PyContext PyContextVar PyContextToken PyCapsule PyODictObject _odictnode PyMemoryViewObject
_PyManagedBufferObject Py_buffer dictiterobject _PyDictViewObject setiterobject _PyUnicodeWriter rangeobject _PyRangeIterObject
seqiterobject calliterobject _PyListIterObject _PyTupleIterObject enumobject reversedobject
_PyCoMonitoringData _PyCoLineInstrumentationData _PyInterpreterFrame _PyStackRef _PyCodeArray _PyCoCached
PyThreadState _PyThreadStateImpl PyInterpreterState
_PyRuntimeState _Py_DebugOffsets _gil_runtime_state _ceval_state _ceval_runtime_state _gc_runtime_state gc_generation
_gc_thread_state _stoptheworld_state _qsbr_shared _qsbr_thread_state _qsbr_pad _brc_state _brc_bucket _brc_thread_state
_mem_work_chunk _mem_work_item _Py_mem_interp_free_queue _PyObjectStack _PyObjectStackChunk _Py_object_freelists _Py_freelists
_Py_freelist _Py_unique_id_pool _Py_unique_id_entry _PyIndexPool _mimalloc_interp_state _mimalloc_thread_state
_import_state _import_runtime_state types_state type_cache type_cache_entry managed_static_type_state
_PyErr_StackItem _PyStackChunk llist_node pyinterpreters _pymem_allocators PyMemAllocatorEx _obmalloc_state
mi_block_t mi_page_t mi_segment_t mi_heap_t mi_tld_t mi_segments_tld_t mi_page_queue_t mi_span_queue_t mi_arena_t mi_memid_t
mi_abandoned_pool_t mi_subproc_t mi_padding_t mi_page_flags_t
Bucket wait_entry mutex_entry PyMutex PyCriticalSection PyCriticalSection2 _PyRawMutex raw_mutex_entry _PyRWMutex _PySeqLock
PyAttributeErrorObject PyBaseExceptionGroupObject PyImportErrorObject PyNameErrorObject PyOSErrorObject PyStopIterationObject
PySyntaxErrorObject PySystemExitObject PyUnicodeErrorObject typevarobject odictiterobject
_PyOnceFlag PyEvent _PyRecursiveMutex _PySemaphore lockobject rlockobject ThreadHandle PyThreadHandleObject bootstate
PyAttributeErrorObject PyBaseExceptionGroupObject PyImportErrorObject PyNameErrorObject PyOSErrorObject PyStopIterationObject
PySyntaxErrorObject PySystemExitObject PyUnicodeErrorObject typevarobject odictiterobject
PyNumberMethods PySequenceMethods PyMappingMethods PyAsyncMethods PyBufferProcs PyType_Slot PyType_Spec
"""

# Structs of extension modules, by module: each is in that shared library's DWARF only (or in python's own, where built in).
MODULE_STRUCTS = {
    "array": "arrayobject arraydescr arrayiterobject",
    "_elementtree": "ElementObject ElementObjectExtra ElementIterObject TreeBuilderObject XMLParserObject",
    "_csv": "ReaderObj WriterObj DialectObj",
    "_struct": "PyStructObject unpackiterobject",
    "_json": "PyScannerObject PyEncoderObject",
    "_pickle": "PicklerObject UnpicklerObject Pdata PyMemoTable",
    "_random": "RandomObject",
    "_queue": "simplequeueobject RingBuf",
    "_asyncio": "FutureObj TaskObj futureiterobject",
    "_ctypes": "CDataObject",
    "zlib": "compobject",
    "mmap": "mmap_object",
    "select": "pollObject",
}
BUILTIN_MODULE_STRUCTS = """
dequeobject BLOCK defdictobject dequeiterobject lru_cache_object lru_list_elem partialobject keyobject
bytesio stringio buffered textio fileio iobase PatternObject MatchObject ScannerObject
batchedobject groupbyobject _grouperobject teeobject teedataobject cycleobject dropwhileobject takewhileobject
isliceobject starmapobject chainobject productobject combinationsobject cwrobject permutationsobject accumulateobject compressobject
filterfalseobject countobject pairwiseobject repeatobject ziplongestobject mapobject filterobject zipobject
"""

# Nested members that nobody asks for and that are many: inside these only the member itself is kept.
CUT = {
    "_PyRuntimeState": (
        "_main_interpreter debug_offsets static_objects types preconfig ceval.perf ceval.pending_mainthread unicode_state"
    ),
    "PyInterpreterState": (
        "_initial_thread config dtoa static_objects cached_objects func_state long_state float_state unicode dict_state exc_state "
        "monitors object_state ast dtoa warnings ceval.pending _interactive_src_count memory ref_tracer codecs atexit audit_hooks "
        "parser callable_cache interp_state context ctx hamt xi global_objects"
    ),
    "_PyThreadStateImpl": "base.remote_debugger_support mimalloc.tld.stats mimalloc.tld.segments.stats",
    "mi_tld_t": "stats",
}


class TableError(Exception):
    """A table cannot be made; the message says what is missing."""


# --- inside gdb ----------------------------------------------------------------------------------


def extract(names: list[str]) -> Table:
    """Read the structs from the DWARF of the file that gdb has open."""
    from gdbext.backends.gdb.adapter import GdbDebugger

    debugger = GdbDebugger()
    found: Table = {}
    for name in names:
        struct = debugger.struct(name)
        if struct is None:
            continue
        cut = tuple(prefix + "." for prefix in CUT.get(name, "").split())
        fields = {
            path: [f.offset, f.size, f.bit, f.bits] if f.bits else [f.offset, f.size]
            for path, f in struct.fields.items()
            if not path.startswith(cut)
        }
        found[name] = {"size": struct.size, "fields": fields}
    return found


# --- outside -------------------------------------------------------------------------------------


def gdb_command() -> str:
    """The checkout's own gdb, else the machine's."""
    own = CHECKOUT / ".venv" / "bin" / "gdb"
    found = str(own) if own.exists() else shutil.which("gdb")
    if not found:
        raise TableError("no gdb here; run scripts/setup first")
    return found


def read_dwarf(binary: Path, names: list[str]) -> Table:
    """The named structs that the binary's debug information has."""
    done = subprocess.run(
        [
            gdb_command(),
            "-nx",
            "-batch",
            "-iex",
            "set debuginfod enabled off",
            "-x",
            __file__,
            str(binary),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, NAMES: " ".join(names)},
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("{")), None)
    if line is None:
        raise TableError(f"gdb read nothing from {binary}: {done.stderr.strip()[-500:]}")
    found: Table = json.loads(line)
    return found


def lab_tree(flavour: str) -> Path:
    """The lab's build of that flavour: source, headers and interpreter in one tree."""
    return interpreters.build(flavour).parent


def from_builds() -> dict[str, Table]:
    """3.13.5, from the DWARF of the lab's builds and their extension modules."""
    flavours = {}
    for flavour in ("release", "debug"):
        tree = lab_tree(flavour)
        table = read_dwarf(tree / "python", (STRUCTS + BUILTIN_MODULE_STRUCTS).split())
        folder = tree / (tree / "pybuilddir.txt").read_text()
        for module, structs in MODULE_STRUCTS.items():
            names = [name for name in structs.split() if name not in table]
            for library in sorted(folder.glob(f"{module}.*.so")) if names else ():
                table.update(read_dwarf(library, names))
        flavours[flavour] = table
    return flavours


def headers(minor: str) -> Path:
    """The ``include`` folder of Debian's ``libpythonMINOR-dev``, which the cache keeps."""
    folder = interpreters.cache_dir() / "headers" / minor
    unpacked = folder / "usr" / "include"
    if not unpacked.exists():
        errors = interpreters.apt_download(
            folder, "deb", "sid", ["download", f"libpython{minor}-dev"]
        )
        packages = sorted(folder.glob(f"libpython{minor}-dev_*.deb"))
        if not packages:
            raise TableError(
                f"apt could not fetch libpython{minor}-dev of Debian's suite sid: {'; '.join(errors)}"
            )
        subprocess.run(["dpkg-deb", "-x", str(packages[-1]), str(folder)], check=True)
    return unpacked


def header_version(folders: list[Path]) -> str:
    """The full version, as patchlevel.h has it."""
    text = next(
        path.read_text() for folder in folders if (path := folder / "patchlevel.h").exists()
    )
    found = re.search(r'#define PY_VERSION\s+"(\S+)"', text)
    if not found:
        raise TableError(f"no PY_VERSION in {folders[0]}/patchlevel.h")
    return found[1]


def from_headers(folders: list[Path], flavour: str) -> Table:
    """One flavour of the version whose headers are in ``folders``, through the compiler."""
    internal = [
        path
        for folder in folders
        for path in (folder / "internal", folder / "internal" / "mimalloc")
    ]
    with tempfile.TemporaryDirectory() as scratch:
        unit = Path(scratch) / "layouts.o"
        command = [
            "gcc",
            "-c",
            "-g",
            "-w",
            "-fno-eliminate-unused-debug-types",
            "-DPy_BUILD_CORE=1",
            "-DPy_GIL_DISABLED=1",
        ]
        command += ["-DPy_DEBUG=1"] if flavour == "debug" else []
        command += [f"-I{folder}" for folder in [*folders, *internal]]
        done = subprocess.run(
            [*command, str(SOURCE), "-o", str(unit)], capture_output=True, text=True
        )
        if done.returncode:
            raise TableError(
                f"{SOURCE.name} does not compile against {folders[0]}:\n{done.stderr[:2000]}"
            )
        modules = " ".join(MODULE_STRUCTS.values())
        return read_dwarf(unit, f"{STRUCTS} {BUILTIN_MODULE_STRUCTS} {modules}".split())


def debian_folders(minor: str) -> list[Path]:
    include = headers(minor)
    return [include / f"python{minor}", include]


def lab_folders(flavour: str) -> list[Path]:
    tree = lab_tree(flavour)
    return [tree / "Include", tree]


def differences() -> list[str]:
    """Where layouts.c, compiled against 3.13.5's headers, is not what 3.13.5's DWARF says.  Nothing, as long as it is right."""
    found = []
    table = json.loads((TABLES / "3.13.5.json").read_text())
    for flavour in FLAVOURS:
        for name, entry in from_headers(lab_folders(flavour), flavour).items():
            known = table[flavour].get(name) or table["release"].get(name)
            if known and entry != known:
                found.append(f"{flavour} {name}: {known} in DWARF, {entry} from {SOURCE.name}")
    return found


def make(minor: str) -> tuple[str, dict[str, Table]]:
    """(full version, flavours) of one minor version."""
    if minor == "3.13":
        return header_version(lab_folders("release")), from_builds()
    folders = debian_folders(minor)
    return header_version(folders), {
        flavour: from_headers(folders, flavour) for flavour in FLAVOURS
    }


def dump(flavours: dict[str, Table]) -> str:
    """The tables as JSON, one struct a line; of the debug build only what is not as in the release build."""
    release, debug = flavours["release"], flavours["debug"]
    parts = []
    for flavour, table in (
        ("release", release),
        ("debug", {k: v for k, v in debug.items() if release.get(k) != v}),
    ):
        lines = [
            f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}"
            for name, entry in sorted(table.items())
        ]
        parts.append(f'"{flavour}": {{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the tables of layouts that gdbext ships.")
    parser.add_argument(
        "minors", nargs="*", metavar="MINOR", help=f"which ({', '.join(MINORS)}); all by default"
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the files instead of writing them"
    )
    arguments = parser.parse_args()
    unknown = [minor for minor in arguments.minors if minor not in MINORS]
    if unknown:
        parser.error(f"no such version: {', '.join(unknown)}; there are {', '.join(MINORS)}")
    stale = 0
    try:
        for minor in arguments.minors or MINORS:
            version, flavours = make(minor)
            path, text = TABLES / f"{version}.json", dump(flavours)
            same = path.exists() and path.read_text() == text
            if not same and not arguments.check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
            stale += not same
            print(
                f"{path.name}  {len(text)} bytes  {'unchanged' if same else 'differs' if arguments.check else 'written'}"
            )
        wrong = differences()
    except (TableError, interpreters.BuildError) as error:
        sys.stderr.write(f"layout_tables: {error}\n")
        return 1
    for line in wrong:
        sys.stderr.write(f"layout_tables: {line}\n")
    return 1 if wrong or (arguments.check and stale) else 0


if __name__ == "__main__":
    if NAMES in os.environ:
        print(json.dumps(extract(os.environ[NAMES].split())))
    else:
        sys.exit(main())
