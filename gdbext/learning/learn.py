"""The facts of one build, gathered from its debug information, its headers and itself.

What comes of it has the form of :class:`gdbext.cpython.versions.learnt.Learnt`.  Each part is
gathered on its own; one that cannot be had is left empty, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gdbext.binfmt import debug_files, elf, sections
from gdbext.binfmt.symtab import SymbolTable
from gdbext.frozen import dataclass
from gdbext.learning import dwarf, headers
from gdbext.learning.dwarf import Entries, LearningError
from gdbext.learning.interpreter import InterpreterFacts
from gdbext.learning.struct_names import ALL

SYMBOLS = ("_PyRuntime", "_PyEval_EvalFrameDefault", "_PyOpcode_Deopt", "_PyOpcode_Caches")
"""What is looked for in a copy of the interpreter that has no symbols."""
NEEDED = "PyObject"
"""Without this struct, debug information is not the interpreter's."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What came of one kind of facts: so many, from where; or none, and why."""

    name: str
    count: int = 0
    source: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """All that was learnt: the content to keep, and what came of each part."""

    content: Mapping[str, Any]
    parts: Sequence[Part]


Read = Callable[[Path, Sequence[str]], Entries]
"""Reads the named structs from a file's debug information."""


def learn(python: InterpreterFacts, read: Read) -> Lesson:
    """Everything that can be learnt of the interpreter.

    Raises:
        LearningError: where the file has nothing by which its cores could be known.
    """
    build_id = elf.identity_in_file(str(python.binary))
    if build_id is None:
        raise LearningError(f"{python.binary} is not a file by which its cores would be known")
    structs, layouts = _layouts(python, read)
    orders, offsets = _offsets(python, structs)
    table, opcodes = _opcodes(python)
    symbols = {name: place for name in SYMBOLS if (place := _place(python.binary, name))}
    content = {
        "version": python.version,
        "hex": python.number,
        "build_id": build_id,
        "path": python.path,
        "flags": dict(python.flags),
        "sources": {part.name: part.source for part in (layouts, offsets, opcodes)},
        "layouts": structs,
        "offsets": orders,
        "opcodes": table,
        "symbols": symbols,
    }
    return Lesson(content=content, parts=(layouts, offsets, opcodes))


def _layouts(python: InterpreterFacts, read: Read) -> tuple[Entries, Part]:
    """The structs: from debug information, else from the headers."""
    try:
        found = read(python.binary, ALL)
        if NEEDED in found:
            for module in python.modules:
                found = read(module, [name for name in ALL if name not in found]) | found
            return found, Part(name="layouts", count=len(found), source="its debug information")
        _check_headers(python)
        found = headers.layouts(python.folders, None, lambda unit: read(unit, ALL))
    except LearningError as error:
        return {}, Part(name="layouts", problem=f"no debug information, and {error}")
    return found, Part(name="layouts", count=len(found), source="its headers")


def _offsets(python: InterpreterFacts, structs: Entries) -> tuple[list[list[Any]], Part]:
    """What the words of ``_Py_DebugOffsets`` mean."""
    try:
        _check_headers(python)
        if "_Py_DebugOffsets" not in structs:
            raise LearningError("the layout of _Py_DebugOffsets is not known")
        found = headers.offsets(python.folders, structs["_Py_DebugOffsets"])
    except LearningError as error:
        return [], Part(name="offsets", problem=str(error))
    return found, Part(name="offsets", count=len(found), source="its headers")


def _opcodes(python: InterpreterFacts) -> tuple[dict[str, Any], Part]:
    """The instructions that its headers have, if they are those that it says it has."""
    try:
        _check_headers(python)
        found = headers.opcodes(python.folders, python.magic)
        numbers = {name: entry["number"] for name, entry in found["opcodes"].items()}
        for name, number in numbers.items():
            if python.numbers.get(name, number) != number:
                raise LearningError(
                    f"its headers are not its own: {name} is instruction {number} there, and "
                    f"{python.numbers[name]} in the interpreter"
                )
    except LearningError as error:
        return {}, Part(name="instructions", problem=str(error))
    return found, Part(name="instructions", count=len(numbers), source="its headers")


def _check_headers(python: InterpreterFacts) -> None:
    """That there are headers, CPython's internal ones among them, of the interpreter's version."""
    if not any((folder / "internal").is_dir() for folder in python.folders):
        raise LearningError("its headers are not installed (its -dev or -devel package has them)")
    name, number = headers.version(python.folders)
    if number != python.number:
        raise LearningError(f"its headers are those of {name}")


def _place(binary: Path, name: str) -> int | None:
    """Where a symbol lies from the start of the file's mapping on."""
    separate = debug_files.separate(str(binary))
    base = _base(binary)
    for path in (str(binary), separate):
        for entry in SymbolTable(sections.read(path)).find(name) if path else ():
            return entry.value - base
    return None


def _base(binary: Path) -> int:
    """The address, in the file's own terms, that its start is mapped at."""
    with binary.open("rb") as stream:
        _, segments = elf.program_headers(stream, str(binary))
    return min((s.vaddr - s.offset for s in segments if s.type == elf.PT_LOAD), default=0)


def reader(gdb: Sequence[str], environment: Mapping[str, str]) -> Read:
    """Reads debug information with that gdb (see :func:`gdbext.learning.dwarf.read`)."""
    return lambda path, names: dwarf.read(gdb, path, names, environment)
