"""The facts of a version in its own headers: layouts through a compiler, instructions and
``_Py_DebugOffsets`` as text.

The headers are those that an interpreter's ``include`` folder has, CPython's internal ones among
them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from gdbext.learning.dwarf import Entries, Entry, LearningError

SOURCE = Path(__file__).with_name("layouts.c")
RELEASE_LEVELS = {"a": 0xA, "b": 0xB, "rc": 0xC, "": 0xF}
TERMS = ("1", "oparg", "oparg & 1", "oparg >> 8", "oparg & 0xFF", "oparg == 3")
"""A stack effect is a sum of these, each times a small number."""
SAMPLES = (0, 1, 2, 3, 4, 5, 6, 7, 0x101, 0x203, 0x304)
NO_FIELD = ("cookie", "version", "free_threaded")
FIRST_SHIFTED_IMPORTS = 3661
"""The pyc magic number (3.15.0a4) from which on IMPORT_NAME has two flag bits below the name's
index (PEP 810).
"""


def version(folders: Sequence[Path]) -> tuple[str, int]:
    """``PY_VERSION`` and ``PY_VERSION_HEX``, as patchlevel.h has them.

    Raises:
        LearningError: where there is no such header, or it is not CPython's.
    """
    path = next((p for folder in folders if (p := folder / "patchlevel.h").exists()), None)
    if path is None:
        raise LearningError(f"there is no patchlevel.h in {folders[0]}")
    text = path.read_text()
    found = re.search(r'#define PY_VERSION\s+"([^"+]+)', text)
    numbers = dict(re.findall(r"#define PY_(\w+_VERSION|RELEASE_SERIAL)\s+(\d+)", text))
    if not found or len(numbers) < 4:
        raise LearningError(f"no PY_VERSION in {path}")
    level = re.search(r"\d(a|b|rc|)\d*$", found[1])
    release = RELEASE_LEVELS[level[1] if level else ""] << 4
    parts = (numbers[f"{name}_VERSION"] for name in ("MAJOR", "MINOR", "MICRO"))
    major, minor, micro = (int(part) for part in parts)
    number = major << 24 | minor << 16 | micro << 8 | release | int(numbers["RELEASE_SERIAL"])
    return found[1], number


# --- layouts -------------------------------------------------------------------------------------


def layouts(
    folders: Sequence[Path], is_debug: bool | None, read: Callable[[Path], Entries]
) -> Entries:
    """The structs of one flavour; ``read`` gets the compiled file and reads its debug information.

    ``is_debug`` is None where the headers' own ``pyconfig.h`` says it.

    Raises:
        LearningError: where there is no C compiler, or it refuses the headers.
    """
    compiler = next((found for name in ("gcc", "cc", "clang") if (found := shutil.which(name))), "")
    if not compiler:
        raise LearningError("there is no C compiler")
    included = [path for f in folders for path in (f, f / "internal", f / "internal" / "mimalloc")]
    words = ["-c", "-g", "-w", "-fno-eliminate-unused-debug-types"]
    words += ["-DPy_BUILD_CORE=1", "-DPy_GIL_DISABLED=1", *(["-DPy_DEBUG=1"] if is_debug else [])]
    words += [f"-I{folder}" for folder in included]
    with tempfile.TemporaryDirectory() as scratch:
        unit = Path(scratch) / "layouts.o"
        done = subprocess.run(
            [compiler, *words, str(SOURCE), "-o", str(unit)], capture_output=True, text=True
        )
        if done.returncode:
            raise LearningError(
                f"{SOURCE.name} does not compile against {folders[0]}:\n{done.stderr[:2000]}"
            )
        return read(unit)


# --- _Py_DebugOffsets ----------------------------------------------------------------------------


def offsets(folders: Sequence[Path], table: Entry) -> list[list[Any]]:
    """What each word of ``_Py_DebugOffsets`` holds: [its offset in there, struct, field]; field
    None: the struct's size.

    ``table`` is the layout of ``_Py_DebugOffsets`` itself.  The initialiser (pycore_runtime_init.h
    in 3.13, pycore_debug_offsets.h later) names struct and field of each; those that are constants
    are left out.
    """
    internal = next(f / "internal" for f in folders if (f / "internal").is_dir())
    names = ("pycore_debug_offsets.h", "pycore_runtime_init.h", "pycore_runtime.h")
    text = "\n".join(
        (internal / name).read_text() for name in names if (internal / name).exists()
    ).replace("\\\n", "\n")
    opening = re.search(r"\.debug_offsets = \{|#define _Py_DebugOffsets_INIT\(\w+\) \{", text)
    if opening is None:
        raise LearningError(f"no initialiser of _Py_DebugOffsets in {internal}")
    macros = dict(re.findall(r"#\s*define (_Py_Debug_\w+) (offsetof\([^)]*\))", text))
    found: list[list[Any]] = []
    path: list[str] = []
    for token in re.finditer(
        r"\.(\w+)\s*=\s*(\{|[^,{}]+\([^)]*\)|[^,{}]+)|(\})", text[opening.end() :]
    ):
        name, value, closing = token.groups()
        if closing:
            if not path:
                break
            path.pop()
        elif value == "{":
            path.append(name)
        elif path or name not in NO_FIELD:
            place = table["fields"][".".join([*path, name])][0]
            meaning = re.fullmatch(
                r"(sizeof|offsetof)\((?:struct )?(\w+)(?:,\s*([\w.]+))?\)",
                macros.get(value.strip(), value.strip()),
            )
            if meaning:
                found.append([place, meaning[2], meaning[3]])
    return found


# --- instructions --------------------------------------------------------------------------------


def opcodes(folders: Sequence[Path], magic: int | None) -> dict[str, Any]:
    """Numbers, caches, specialisations and stack effects of the instructions (see
    :mod:`gdbext.cpython.interpreter.opcodes`).

    ``magic`` is the pyc magic number where the headers do not have it (3.13).
    """
    headers = next(f for f in folders if (f / "opcode_ids.h").exists())
    metadata = (headers / "internal" / "pycore_opcode_metadata.h").read_text()
    defined = re.findall(
        r"#define (\w+)\s+(\d+)$", (headers / "opcode_ids.h").read_text(), re.MULTILINE
    )
    # Pseudo instructions (above 255) are the compiler's own; HAVE_ARGUMENT and the MIN_… are
    # limits.
    numbers = {
        name: int(n)
        for name, n in defined
        if int(n) < 256 and not name.startswith(("HAVE_", "MIN_"))
    }
    caches = dict(re.findall(r"\[(\w+)\] = (\d+),", _body(metadata, "_PyOpcode_Caches[256] = {")))
    deopt = dict(re.findall(r"\[(\w+)\] = (\w+),", _body(metadata, "_PyOpcode_Deopt[256] = {")))
    pops = _effects(metadata, "_PyOpcode_num_popped")
    pushes = _effects(metadata, "_PyOpcode_num_pushed")
    plain, variants = {}, {}
    for name, number in numbers.items():
        base = deopt.get(name, name)
        if name.startswith("INSTRUMENTED_"):
            base = name.removeprefix("INSTRUMENTED_")
        if base == name and name in pops:
            plain[name] = {
                "number": number,
                "cache": int(caches.get(name, 0)),
                "pops": pops[name],
                "pushes": pushes[name],
            }
        else:
            variants[name] = [number, base if base in numbers and base != name else None]
    operators = re.findall(r"#define NB_(\w+)\s+(\d+)", (headers / "opcode.h").read_text())
    binary = [
        name
        for name, number in sorted(operators, key=lambda item: int(item[1]))
        if name != "OPARG_LAST"
    ]
    own = headers / "internal" / "pycore_magic_number.h"
    if own.exists():
        defined_magic = re.search(r"#define PYC_MAGIC_NUMBER (\d+)", own.read_text())
        magic = int(defined_magic[1]) if defined_magic else magic
    return {
        "magic": magic,
        "import_name_shift": 2 if magic is not None and magic >= FIRST_SHIFTED_IMPORTS else 0,
        "opcodes": plain,
        "variants": variants,
        "binary": binary,
    }


def _body(text: str, opening: str) -> str:
    """What stands in the braces that the opening ends with."""
    start = text.rindex(opening) + len(opening)
    return text[start : text.index("\n}", start)]


def _effects(metadata: str, function: str) -> dict[str, list[int]]:
    """Opcode -> the factors of TERMS, trailing zeros left out."""
    text = _body(metadata, f"int {function}(int opcode, int oparg)  {{")
    return {
        name: factors(code) for name, code in re.findall(r"case (\w+):\s+return ([^;]+);", text)
    }


def factors(code: str) -> list[int]:
    """A stack effect as CPython's headers write it: ``2 + (oparg-1)`` -> [1, 1].

    Raises:
        LearningError: for one that is not a sum of the known terms.
    """
    python = re.sub(r"\((.+?)\) \? 1 : 0", r"int(\1)", code)
    if not re.fullmatch(r"(oparg|int|[\d\s()+*&><=x-]|0x[0-9A-Fa-f]+)+", python):
        raise LearningError(f"a stack effect of a new kind: {code}")
    wanted = [int(eval(python, {"oparg": oparg})) for oparg in SAMPLES]
    values = [[int(eval(term, {"oparg": oparg})) for oparg in SAMPLES] for term in TERMS]
    for guess in product(range(-1, 8), *[range(3)] * (len(TERMS) - 1)):
        if all(sum(f * v[i] for f, v in zip(guess, values)) == w for i, w in enumerate(wanted)):
            found = list(guess)
            while len(found) > 1 and not found[-1]:
                found.pop()
            return found
    raise LearningError(f"a stack effect of a new kind: {code}")
