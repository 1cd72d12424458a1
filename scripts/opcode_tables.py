#!/usr/bin/env python3
"""Make gdbext/cpython/interpreter/opcodes/MINOR.json: numbers, caches, specialisations and stack effects of a version's instructions.

The facts are read from that version's own headers, which scripts/layout_tables.py finds (3.13: the lab's source tree, later ones:
Debian's ``libpythonMINOR-dev``)::

    $ scripts/opcode_tables.py           # all versions
    $ scripts/opcode_tables.py --check   # nothing is written; exit 1 if a file is not what would be made now

3.13's are also compared with what the lab's interpreter says of itself (its module ``opcode``).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import interpreters
import layout_tables

FOLDER = layout_tables.CHECKOUT / "gdbext" / "interpreter" / "opcodes"
TERMS = ("1", "oparg", "oparg & 1", "oparg >> 8", "oparg & 0xFF", "oparg == 3")
"""A stack effect is a sum of these, each times a small number."""
SAMPLES = (0, 1, 2, 3, 4, 5, 6, 7, 0x101, 0x203, 0x304)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Make the tables of instructions that gdbext ships."
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the files instead of writing them"
    )
    arguments = parser.parse_args()
    stale = 0
    try:
        for minor in layout_tables.MINORS:
            folders = (
                layout_tables.lab_folders("release")
                if minor == "3.13"
                else layout_tables.debian_folders(minor)
            )
            table = read_headers(folders)
            path, text = FOLDER / f"{minor}.json", dump(table)
            same = path.exists() and path.read_text() == text
            if not same and not arguments.check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
            stale += not same
            print(
                f"{path.name}  {table['version']}  {'unchanged' if same else 'differs' if arguments.check else 'written'}"
            )
        wrong = compare_with_interpreter()
    except (layout_tables.TableError, interpreters.BuildError) as error:
        sys.stderr.write(f"opcode_tables: {error}\n")
        return 1
    for line in wrong:
        sys.stderr.write(f"opcode_tables: {line}\n")
    return 1 if wrong or (arguments.check and stale) else 0


def read_headers(folders: list[Path]) -> dict[str, object]:
    """One version's facts."""
    headers = folders[0]
    metadata = (headers / "internal" / "pycore_opcode_metadata.h").read_text()
    numbers = {
        name: int(n)
        for name, n in re.findall(
            r"#define (\w+)\s+(\d+)$", (headers / "opcode_ids.h").read_text(), re.MULTILINE
        )
    }
    # Pseudo instructions (above 255) are the compiler's own; HAVE_ARGUMENT and the MIN_… are limits.
    numbers = {
        name: n for name, n in numbers.items() if n < 256 and not name.startswith(("HAVE_", "MIN_"))
    }
    caches = dict(re.findall(r"\[(\w+)\] = (\d+),", body(metadata, "_PyOpcode_Caches[256] = {")))
    deopt = dict(re.findall(r"\[(\w+)\] = (\w+),", body(metadata, "_PyOpcode_Deopt[256] = {")))
    pops, pushes = (
        effects(metadata, "_PyOpcode_num_popped"),
        effects(metadata, "_PyOpcode_num_pushed"),
    )
    opcodes, variants = {}, {}
    for name, number in numbers.items():
        base = deopt.get(name, name)
        if name.startswith("INSTRUMENTED_"):
            base = name.removeprefix("INSTRUMENTED_")
        if base == name and name in pops:
            opcodes[name] = {
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
    return {
        "version": layout_tables.header_version(folders),
        "opcodes": opcodes,
        "variants": variants,
        "binary": binary,
    }


def body(text: str, opening: str) -> str:
    """What stands in the braces that the opening ends with."""
    start = text.rindex(opening) + len(opening)
    return text[start : text.index("\n}", start)]


def effects(metadata: str, function: str) -> dict[str, list[int]]:
    """Opcode -> the factors of TERMS, trailing zeros left out."""
    text = body(metadata, f"int {function}(int opcode, int oparg)  {{")
    return {
        name: factors(code) for name, code in re.findall(r"case (\w+):\s+return ([^;]+);", text)
    }


def factors(code: str) -> list[int]:
    """``2 + (oparg-1)`` -> [1, 1]."""
    python = re.sub(r"\((.+?)\) \? 1 : 0", r"int(\1)", code)
    wanted = [eval(python, {"oparg": oparg}) for oparg in SAMPLES]
    values = [[int(eval(term, {"oparg": oparg})) for oparg in SAMPLES] for term in TERMS]
    for guess in product(range(-1, 8), *[range(3)] * (len(TERMS) - 1)):
        if all(sum(f * v[i] for f, v in zip(guess, values)) == w for i, w in enumerate(wanted)):
            found = list(guess)
            while len(found) > 1 and not found[-1]:
                found.pop()
            return found
    raise layout_tables.TableError(f"a stack effect of a new kind: {code}")


def dump(table: dict[str, object]) -> str:
    """JSON, one instruction a line."""
    parts = []
    for key, value in table.items():
        if isinstance(value, dict):
            parts.append(
                f"{json.dumps(key)}: {{\n"
                + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(value.items()))
                + "\n}"
            )
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def compare_with_interpreter() -> list[str]:
    """Where 3.13's file is not what the interpreter itself says."""
    ask = "import json, opcode as o; print(json.dumps([o.opmap, o._inline_cache_entries, o._specializations]))"
    done = subprocess.run(
        [str(interpreters.build("release")), "-c", ask], capture_output=True, text=True, check=True
    )
    numbers, caches, families = json.loads(done.stdout)
    table = json.loads((FOLDER / "3.13.json").read_text())
    wrong = []
    for name, entry in table["opcodes"].items():
        if name in numbers and (numbers[name], caches.get(name, 0)) != (
            entry["number"],
            entry["cache"],
        ):
            wrong.append(
                f"{name}: {entry}, the interpreter says {numbers[name]} with {caches.get(name, 0)} caches"
            )
    for base, members in families.items():
        wrong += [
            f"{m}: {table['variants'].get(m)}, the interpreter says {base}"
            for m in members
            if table["variants"].get(m, [0, ""])[1] != base
        ]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
