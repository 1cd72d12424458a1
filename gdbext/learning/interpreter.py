"""What an interpreter says of itself when it is run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gdbext.frozen import dataclass
from gdbext.learning.dwarf import LearningError, plain_environment
from gdbext.learning.struct_names import MODULE_STRUCTS

SECONDS = 60
ASK = """
import importlib.util, json, opcode, os, sys, sysconfig
def origin(name):
    try:
        found = importlib.util.find_spec(name)
    except ImportError:
        return None
    return found.origin if found and os.path.isfile(found.origin or "") else None
place = sysconfig.get_path
folders = [place("include"), place("platinclude")]
folders.append(os.path.dirname(sysconfig.get_config_h_filename()))
if sysconfig.is_python_build():
    folders.insert(0, os.path.join(sysconfig.get_config_var("srcdir") or "", "Include"))
variable = sysconfig.get_config_var
print(json.dumps({
    "version": sys.version.split()[0].rstrip("+"), "hex": sys.hexversion,
    "path": sys.executable, "free_threaded": bool(variable("Py_GIL_DISABLED")),
    "flags": {"Py_DEBUG": bool(variable("Py_DEBUG")), "CC": variable("CC"),
              "CONFIG_ARGS": variable("CONFIG_ARGS")},
    "magic": int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little"),
    "folders": folders, "numbers": opcode.opmap,
    "modules": [path for name in sys.argv[1:] if (path := origin(name))],
    "maps": [words[5].strip() for line in open("/proc/self/maps")
             if len(words := line.split(None, 5)) > 5],
}))
"""


@dataclass(frozen=True, kw_only=True)
class InterpreterFacts:
    """One free-threaded interpreter.

    ``number`` is its PY_VERSION_HEX, ``path`` its own name for itself, ``binary`` the file that has
    ``_PyRuntime`` (libpython where it is shared), ``folders`` those of its headers, ``numbers`` its
    instructions by name, ``magic`` its pyc magic number and ``modules`` the files of the extension
    modules whose structs are of interest.
    """

    version: str
    number: int
    path: str
    binary: Path
    flags: Mapping[str, object]
    folders: Sequence[Path]
    numbers: Mapping[str, int]
    magic: int
    modules: Sequence[Path]


def ask(python: str) -> InterpreterFacts:
    """Run the interpreter once, without the user's site packages and environment.

    Raises:
        LearningError: when it does not start, or is not a free-threaded CPython 3.13 or later.
    """
    command = [python, "-I", "-S", "-c", ASK, *MODULE_STRUCTS]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, env=plain_environment()
        )
        said = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise LearningError(f"{python} does not start, or is no CPython 3") from None
    if not said["free_threaded"]:
        raise LearningError(
            f"{python} is CPython {said['version']} with a GIL; gdbext explains free-threaded "
            "builds only"
        )
    libraries = [path for path in said["maps"] if os.path.basename(path).startswith("libpython")]
    folders = (Path(folder) for folder in said["folders"] if folder)
    return InterpreterFacts(
        version=said["version"],
        number=said["hex"],
        path=said["path"],
        binary=Path(libraries[0] if libraries else os.path.realpath(said["path"])),
        flags=said["flags"],
        folders=[folder for folder in dict.fromkeys(folders) if folder.is_dir()],
        numbers={name: number for name, number in said["numbers"].items() if number < 256},
        magic=said["magic"],
        modules=[Path(path) for path in said["modules"]],
    )
