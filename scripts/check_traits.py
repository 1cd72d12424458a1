"""Check that what the traits of types, methods, slots and functions name exists in CPython.

    .venv/bin/python scripts/check_traits.py [PYTHON ...]

Each type and method must exist in one of the given interpreters (by default the lab's, else the
machine's free-threaded ones); each C struct and slot in one of the layout tables, or in the sources
where the lab has them; each source file there.  What only a later version has (``since``) is left
out.  A function must stand in its source file, with the parameters that its row names.  Prints what
is wrong, one line each; the exit status is 1 if anything is.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import interpreters
from gdbext.cpython.traits.functions import FunctionTraits, functions
from gdbext.cpython.traits.methods import MethodTraits, SlotTraits, methods, slots
from gdbext.cpython.traits.types import TypeTraits, type_traits

TABLES = Path(__file__).parent.parent / "gdbext/cpython/versions"
SOURCES = interpreters.cache_dir() / "cpython" / "source"
C_LIBRARY = "glibc"
SOURCE_FOLDERS = ("Include", "Objects", "Modules", "Python")
LIST_NAMES = r"""
import gc, importlib, json, sys
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
kinds, left = set(), [object]
while left:
    kind = left.pop()
    if kind not in kinds:
        kinds.add(kind)
        left += type.__subclasses__(kind)
# What nobody has asked for an instance of is not ready, and not yet a subclass of object.
kinds |= {kind for kind in map(type, gc.get_objects()) if isinstance(kind, type)}
kinds |= {type(iter(make())) for make in (list, tuple, dict, set, str, bytes)}
found = {}
for kind in kinds:
    # tp_name of what a class statement makes is the bare name.
    is_bare = "__firstlineno__" in vars(kind) or kind.__module__ == "builtins"
    name = kind.__name__ if is_bare else f"{kind.__module__}.{kind.__name__}"
    for known in {name, f"{kind.__module__}.{kind.__name__}"}:
        found.setdefault(known, set()).update(dir(kind))
modules = {name: dir(module) for name, module in list(sys.modules.items())}
print(json.dumps([{name: sorted(names) for name, names in found.items()}, modules]))
"""


@dataclass(frozen=True)
class Names:
    """What there is: the attributes of types by ``tp_name`` and of modules, structs, slots, source
    files.
    """

    types: dict[str, set[str]]
    modules: dict[str, set[str]]
    structs: set[str]
    slots: set[str]
    sources: Path | None = None

    def has(self, owner: str, name: str) -> bool:
        """Whether a type or module has an attribute of that name."""
        return name in self.types.get(owner, ()) or name in self.modules.get(owner, ())


def problems(names: Names) -> Iterator[str]:
    """Everything that a row names and that is not there."""
    for name, row in type_traits().items():
        yield from (f"types.json: {name}: {problem}" for problem in _type(name, row, names))
    for name, method in methods().items():
        yield from (f"methods.json: {name}: {problem}" for problem in _method(name, method, names))
    for name, slot in slots().items():
        yield from (f"slots.json: {name}: {problem}" for problem in _slot(name, slot, names))
    for name, function in functions().items():
        yield from (f"functions.json: {name}: {p}" for p in _function(name, function, names))


def _function(name: str, row: FunctionTraits, names: Names) -> Iterator[str]:
    if row.source == C_LIBRARY:
        return
    yield from _source(row.source, names)
    path = names.sources / row.source if names.sources else None
    if row.since is not None or path is None or not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    if not re.search(rf"\b{name}\b", text):
        yield f"not in {row.source}"
    # A definition's parameters stand between its name and the brace.
    signatures = re.findall(rf"\b{name}\(([^;{{]*?)\)\s*\{{", text)
    yield from (
        f"no parameter {parameter}"
        for parameter in (row.reporter, row.message, row.about)
        if parameter and not any(re.search(rf"\b{parameter}\b", s) for s in signatures)
    )


def _type(name: str, row: TypeTraits, names: Names) -> Iterator[str]:
    if row.since is None:
        if not any(known in names.types for known in (name, *row.synonyms)):
            yield "no interpreter at hand has this type"
        yield from (f"no struct {struct}" for struct in row.structs if struct not in names.structs)
    yield from (
        f"shares its struct with {other}, which has no row that says so"
        for other in row.shares_struct_with
        if name not in type_traits().get(other, TypeTraits()).shares_struct_with
    )
    yield from _source(row.source, names)


def _method(name: str, row: MethodTraits, names: Names) -> Iterator[str]:
    if not row.of:
        yield "it is of no type or module"
    yield from (
        f"{owner} has no such attribute in the interpreters at hand"
        for owner in row.of
        if not names.has(owner, name)
    )
    yield from _source(row.source, names)


def _slot(name: str, row: SlotTraits, names: Names) -> Iterator[str]:
    if name not in names.slots:
        yield "no such slot"
    if not row.operation:
        yield "no operation"
    yield from _source(row.source, names)


def _source(source: str, names: Names) -> Iterator[str]:
    if not source:
        yield "no source"
    elif names.sources and not (names.sources / source).is_file():
        yield f"no source file {source}"


def modules_wanted() -> list[str]:
    """The modules that the rows' types and functions live in."""
    owners = {owner for row in methods().values() for owner in row.of} | set(type_traits())
    prefixes = {name.rpartition(".")[0] for name in owners} | {o for o in owners if "." not in o}
    return sorted(filter(None, prefixes | {"threading", "types", "datetime", "decimal", "queue"}))


def names_of(pythons: Iterable[Path]) -> Names:
    """What the interpreters, the layout tables and the sources at hand have."""
    types: dict[str, set[str]] = {}
    modules: dict[str, set[str]] = {}
    for python in pythons:
        command = [str(python), "-X", "gil=0", "-c", LIST_NAMES, json.dumps(modules_wanted())]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for into, found in zip((types, modules), json.loads(done.stdout)):
            for name, attributes in found.items():
                into.setdefault(name, set()).update(attributes)
    structs, members = _in_tables()
    sources = SOURCES if SOURCES.is_dir() else None
    if sources:
        structs |= _in_sources(sources)
    return Names(types, modules, structs, members, sources)


def _in_tables() -> tuple[set[str], set[str]]:
    """The names of all structs, and of their members."""
    structs: set[str] = set()
    members: set[str] = set()
    for path in sorted(TABLES.glob("*/layouts.json")):
        text = path.read_text(encoding="utf-8")
        structs |= set(re.findall(r'"(\w+)"\s*:', text))
        members |= set(re.findall(r'"((?:tp|nb|sq|mp|am|bf)_\w+)"', text))
    return structs, members


def _in_sources(sources: Path) -> set[str]:
    """The structs that CPython's C files give a typedef name."""
    named = re.compile(r"^\} *(\w+);|^typedef struct \w+ (\w+);", re.M)
    return {
        name
        for folder in SOURCE_FOLDERS
        for path in (sources / folder).rglob("*.[ch]")
        for pair in named.findall(path.read_text(encoding="utf-8", errors="replace"))
        for name in filter(None, pair)
    }


def at_hand() -> list[Path]:
    """The lab's interpreters that are built, else this machine's free-threaded ones."""
    built = [interpreters.executable(name) for name in ("release", "debug")]
    return [path for path in built if path.exists()] or list(map(Path, interpreters.found()))


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", nargs="*", type=Path)
    pythons = parser.parse_args().python or at_hand()
    wrong = list(problems(names_of(pythons)))
    print(
        "\n".join(wrong)
        or (
            f"{len(type_traits())} types, {len(methods())} methods, {len(functions())} functions: "
            "all there"
        )
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
