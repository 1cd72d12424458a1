"""Make gdbext/cpython/versions/VERSION/{layouts,offsets,opcodes}.json, what gdbext knows of each
CPython version.

3.13.5's layouts come from the DWARF of the lab's own builds, the others from the headers in
Debian's binary packages ``libpythonMINOR-dev``: a small C file with every struct is compiled with
``Py_GIL_DISABLED`` and its debug information is read the same way.  Every version that one of
Debian's suites has now is made; folders of versions that none has any more stay::

    $ .venv/bin/python scripts/version_tables.py         # all that there are
    $ .venv/bin/python scripts/version_tables.py 3.14    # those of one minor version
    $ .venv/bin/python scripts/version_tables.py --check # writes nothing; 1 if a file would change

Every run also compiles that C file against 3.13.5's headers and compares with 3.13.5's DWARF, and
compares 3.13.5's instructions with what the lab's interpreter says of itself.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import interpreters
from gdbext.engine import launch
from gdbext.learning import dwarf, headers
from gdbext.learning.dwarf import Entries, LearningError
from gdbext.learning.struct_names import (
    ALL,
    BUILTIN_MODULE_STRUCTS,
    MODULE_STRUCTS,
    STRUCTS,
)

CHECKOUT = Path(__file__).resolve().parent.parent
VERSIONS = CHECKOUT / "gdbext" / "cpython" / "versions"
SUITES = ("trixie", "forky", "sid")
MINORS = ("3.13", "3.14", "3.15")
FLAVOURS = ("release", "debug")
LAB = "3.13.5"
"""The version that the lab builds."""

Content = dict[str, Any]
"""A version's three files by their name without ``.json``."""


def read_dwarf(binary: Path, names: list[str]) -> Entries:
    debugger = launch.find("gdb")
    return dwarf.read(debugger.command, binary, names, debugger.environment)


# --- the lab's version ---------------------------------------------------------------------------


def lab_tree(flavour: str) -> Path:
    """The lab's build of that flavour: source, headers and interpreter in one tree."""
    return interpreters.build(flavour).parent


def lab_folders(flavour: str) -> list[Path]:
    tree = lab_tree(flavour)
    return [tree / "Include", tree]


def lab_layouts() -> dict[str, Entries]:
    """From the DWARF of the lab's builds and their extension modules."""
    flavours = {}
    for flavour in FLAVOURS:
        tree = lab_tree(flavour)
        table = read_dwarf(tree / "python", (STRUCTS + BUILTIN_MODULE_STRUCTS).split())
        folder = tree / (tree / "pybuilddir.txt").read_text()
        for module, structs in MODULE_STRUCTS.items():
            names = [name for name in structs.split() if name not in table]
            for library in sorted(folder.glob(f"{module}.*.so")) if names else ():
                table.update(read_dwarf(library, names))
        flavours[flavour] = table
    return flavours


def lab_version() -> tuple[str, Content]:
    folders = lab_folders("release")
    return content(folders, lab_layouts(), magic_in(lab_tree("release") / "Lib"))


# --- Debian's versions ---------------------------------------------------------------------------


def debian_versions(minor: str) -> Iterator[tuple[str, Content]]:
    """What the suites have of one minor version; each version once."""
    seen = {LAB}
    for suite in SUITES:
        try:
            root = unpacked(suite, f"libpython{minor}-dev")
        except LearningError as error:
            sys.stderr.write(f"version_tables: {error}\n")
            continue
        include = root / "usr" / "include"
        folders = [include / f"python{minor}", include]
        name, _ = headers.version(folders)
        if name in seen:
            continue
        seen.add(name)
        magic = None
        if minor == "3.13":  # later ones have it in their headers
            magic = magic_in(
                unpacked(suite, f"libpython{minor}-minimal") / "usr" / "lib" / f"python{minor}"
            )
        yield content(folders, {f: from_headers(folders, f) for f in FLAVOURS}, magic)


def unpacked(suite: str, package: str) -> Path:
    """The content of one of Debian's packages, which the cache keeps.

    Raises:
        LearningError: when apt cannot get it.
    """
    folder = interpreters.cache_dir() / "headers" / suite
    target = folder / package
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        errors = interpreters.apt_download(folder, "deb", suite, ["download", package])
        packages = sorted(folder.glob(f"{package}_*.deb"))
        if not packages:
            raise LearningError(f"{package} of Debian's suite {suite}: {'; '.join(errors)}")
        subprocess.run(["dpkg-deb", "-x", str(packages[-1]), str(target)], check=True)
    return target


def magic_in(library: Path) -> int:
    """The pyc magic number, from the library's own importlib."""
    text = (library / "importlib" / "_bootstrap_external.py").read_text()
    found = re.search(r"^MAGIC_NUMBER = \((\d+)\)\.to_bytes", text, re.MULTILINE)
    if not found:
        raise LearningError(f"no MAGIC_NUMBER in {library}/importlib/_bootstrap_external.py")
    return int(found[1])


# --- all -----------------------------------------------------------------------------------------


def from_headers(folders: list[Path], flavour: str) -> Entries:
    return headers.layouts(folders, flavour == "debug", lambda unit: read_dwarf(unit, ALL))


def content(
    folders: list[Path], layouts: dict[str, Entries], magic: int | None
) -> tuple[str, Content]:
    """(version, its files)."""
    name, number = headers.version(folders)
    table = layouts["release"]["_Py_DebugOffsets"]
    return name, {
        "layouts": layouts,
        "offsets": {"hex": f"{number:#x}", "entries": headers.offsets(folders, table)},
        "opcodes": headers.opcodes(folders, magic),
    }


def dump(files: Content) -> dict[str, str]:
    """The text of each file: JSON, one struct, entry or instruction a line.

    Of the debug build's structs there are only those that are not as in the release build.
    """
    release, debug = files["layouts"]["release"], files["layouts"]["debug"]
    layouts = {"release": release, "debug": {k: v for k, v in debug.items() if release.get(k) != v}}
    return {
        "layouts": _lines(layouts),
        "offsets": _lines(files["offsets"]),
        "opcodes": _lines(files["opcodes"]),
    }


def _lines(table: dict[str, Any]) -> str:
    parts = []
    for key, value in table.items():
        if isinstance(value, dict):
            inner = (f"{json.dumps(k)}: {_compact(v)}" for k, v in sorted(value.items()))
            text = "{\n" + ",\n".join(inner) + "\n}"
        elif isinstance(value, list) and value and isinstance(value[0], list):
            text = "[\n" + ",\n".join(map(_compact, value)) + "\n]"
        else:
            text = json.dumps(value)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def layout_differences() -> list[str]:
    """Where layouts.c, compiled against 3.13.5's headers, is not what 3.13.5's DWARF says."""
    wrong = []
    table = json.loads((VERSIONS / LAB / "layouts.json").read_text())
    for flavour in FLAVOURS:
        for name, entry in from_headers(lab_folders(flavour), flavour).items():
            known = table[flavour].get(name) or table["release"].get(name)
            if known and entry != known:
                wrong.append(f"{flavour} {name}: {known} in DWARF, {entry} from layouts.c")
    return wrong


def opcode_differences() -> list[str]:
    """Where 3.13.5's instructions are not what the interpreter itself says."""
    ask = (
        "import json, opcode as o; print(json.dumps([o.opmap, o._inline_cache_entries, "
        "o._specializations]))"
    )
    done = subprocess.run(
        [str(interpreters.build("release")), "-c", ask], capture_output=True, text=True, check=True
    )
    numbers, caches, families = json.loads(done.stdout)
    table = json.loads((VERSIONS / LAB / "opcodes.json").read_text())
    wrong = []
    for name, entry in table["opcodes"].items():
        says = (numbers.get(name), caches.get(name, 0))
        if name in numbers and says != (entry["number"], entry["cache"]):
            wrong.append(f"{name}: {entry}, the interpreter says {says[0]} with {says[1]} caches")
    for base, members in families.items():
        wrong += [
            f"{m}: {table['variants'].get(m)}, the interpreter says {base}"
            for m in members
            if table["variants"].get(m, [0, ""])[1] != base
        ]
    return wrong


def versions(minors: list[str]) -> Iterator[tuple[str, Content]]:
    for minor in minors:
        if LAB.startswith(f"{minor}."):
            yield lab_version()
        yield from debian_versions(minor)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the tables of versions that gdbext ships.")
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
        for name, files in versions(arguments.minors or list(MINORS)):
            folder = VERSIONS / name
            changed = []
            for file, text in dump(files).items():
                path = folder / f"{file}.json"
                if path.exists() and path.read_text() == text:
                    continue
                changed.append(file)
                if not arguments.check:
                    folder.mkdir(exist_ok=True)
                    path.write_text(text)
            stale += len(changed)
            said = "differs" if arguments.check else "written"
            print(f"{name:<10} {', '.join(changed) + ' ' + said if changed else 'unchanged'}")
        wrong = layout_differences() + opcode_differences()
    except (LearningError, interpreters.BuildError, launch.LaunchError) as error:
        sys.stderr.write(f"version_tables: {error}\n")
        return 1
    for line in wrong:
        sys.stderr.write(f"version_tables: {line}\n")
    return 1 if wrong or (arguments.check and stale) else 0


if __name__ == "__main__":
    sys.exit(main())
