"""Which table of instructions a process has: what it says of itself decides, and its own code
objects confirm it.

The version number alone proves nothing: a pre-release has the numbers of the day that it was made,
and a distributor may change them.  What a process says of itself is its pyc magic number, the
module ``_opcode_metadata`` where it is loaded, and ``_PyOpcode_Deopt`` and ``_PyOpcode_Caches``,
which every interpreter has among its constants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from gdbext.cpython.interpreter.code_check import CheckedCode, fault_in
from gdbext.cpython.interpreter.opcodes import Opcodes, opcodes
from gdbext.cpython.versions.catalog import VersionFacts, nearest, shipped, version_name
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

ENOUGH = 8
"""Code objects that must decode where the process itself names the table (its magic number, or its
module of opcodes).
"""
ENOUGH_ALONE = 40
"""Where nothing but its code objects speaks for a table."""
TOLERATED = 20
"""One code object in so many may be damaged: the process has crashed, after all."""
MOST_DIFFERING = 8
"""Instructions whose stack effects two versions may have differently for a mixture of both to be
looked for.
"""
PREFIX = 100
"""So many bytes of ``_PyOpcode_Deopt`` are looked for: plain instructions come first, and stand in
order for themselves.
"""
FEWEST = 64
"""Fewer plain instructions no version has."""
CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class OpcodeEvidence:
    """What the process says of its instructions; None for what it does not have.

    ``arrays`` are its ``_PyOpcode_Deopt`` and ``_PyOpcode_Caches``.
    """

    magic: int | None = None
    numbers: Mapping[str, int] | None = None
    arrays: tuple[bytes, bytes] | None = None


@dataclass(frozen=True, kw_only=True)
class OpcodeChoice:
    """The table to use, None where none fits; then ``problem`` says why."""

    table: Opcodes | None = None
    problem: str | None = None


def choose(
    number: int, learnt: VersionFacts | None, evidence: OpcodeEvidence, codes: Sequence[CheckedCode]
) -> OpcodeChoice:
    """The table that fits a process of PY_VERSION_HEX ``number``, tried on some of its code
    objects.

    What was learnt of its very build comes first, then the versions with its magic number, then the
    nearest ones.
    """
    refused: list[str] = []
    seen: list[Mapping[str, object]] = []
    for facts in _candidates(number, learnt, evidence):
        content = facts.opcodes()
        if not content or content in seen:
            continue
        seen.append(content)
        table = opcodes(facts.name, content)
        if evidence.arrays:
            table_or_reason = _adapted(table, evidence.arrays)
            if isinstance(table_or_reason, str):
                refused.append(f"{facts.name}: {table_or_reason}")
                continue
            table = table_or_reason
        reason = _unfit(table, evidence, codes, is_own=facts is learnt)
        if reason and evidence.arrays and (mixed := _with_effects(table, codes)):
            # Numbers and caches are the process's own; its code objects say which effects they
            # have.
            mixed_reason = _unfit(mixed, evidence, codes, is_own=facts is learnt)
            table, reason = (mixed, None) if mixed_reason is None else (table, reason)
        if reason is None:
            problem = f"the instructions learnt of {refused[0]}" if learnt and refused else None
            return OpcodeChoice(table=table, problem=problem)
        refused.append(f"{facts.name}: {reason}")
    tried = "; ".join(refused[:2])
    return OpcodeChoice(
        problem=(
            "operations of Python code are not named: no table of instructions fits this CPython "
            f"{version_name(number)} (`gdbext learn PYTHON` makes one): {tried}"
        )
    )


def _candidates(
    number: int, learnt: VersionFacts | None, evidence: OpcodeEvidence
) -> Iterator[VersionFacts]:
    if learnt:
        yield learnt
    shipped = nearest(number)
    same = [f for f in shipped if f.opcodes().get("magic") == evidence.magic]
    yield from same
    yield from (f for f in shipped if f not in same)


def _with_effects(table: Opcodes, codes: Sequence[CheckedCode]) -> Opcodes | None:
    """The table with stack effects that other versions have for the same instructions, as few as it
    takes.

    A pre-release may have the numbers of one version and, for some instructions, already the
    effects of the next.  None where no mixture lets the code objects decode that do not.
    """
    wrong = [code for code in codes if fault_in(code, table)]
    for facts in shipped():
        other = opcodes(facts.name, facts.opcodes()).effects
        differing = sorted(n for n, e in table.effects.items() if other.get(n, e) != e)
        if len(differing) > MOST_DIFFERING:
            continue
        for count in range(1, len(differing) + 1):
            for chosen in combinations(differing, count):
                effects = {**table.effects, **{name: other[name] for name in chosen}}
                mixed = replace(table, effects=effects)
                if not any(fault_in(code, mixed) for code in wrong):
                    return mixed
    return None


def _adapted(table: Opcodes, arrays: tuple[bytes, bytes]) -> Opcodes | str:
    """The table with the process's own specialisations, or why it cannot be this process's."""
    deopt, caches = arrays
    return table.disagreement(deopt, caches) or table.with_specialisations(deopt)


def _unfit(
    table: Opcodes, evidence: OpcodeEvidence, codes: Sequence[CheckedCode], is_own: bool
) -> str | None:
    """Why the table is not this process's; None where it is."""
    is_named = is_own or (table.magic is not None and table.magic == evidence.magic)
    if evidence.numbers:
        shared = [name for name in table.numbers if name in evidence.numbers]
        for name in shared:
            if evidence.numbers[name] != table.numbers[name]:
                return f"{name} is number {evidence.numbers[name]} there, not {table.numbers[name]}"
        is_named |= bool(shared)
    needed = ENOUGH if is_named else ENOUGH_ALONE
    if len(codes) < needed:
        return f"only {len(codes)} code objects can be read to check it"
    faults = [fault for code in codes if (fault := fault_in(code, table))]
    if len(faults) > (len(codes) // TOLERATED if is_named else 0):
        return f"{len(faults)} of {len(codes)} code objects do not decode ({faults[0]})"
    return None


# --- the arrays ----------------------------------------------------------------------------------


def read_arrays(
    memory: Memory,
    symbol: Callable[[str], int | None],
    ranges: Sequence[tuple[int, int]],
) -> tuple[bytes, bytes] | None:
    """The process's ``_PyOpcode_Deopt`` and ``_PyOpcode_Caches``.

    ``symbol`` gives a symbol's address.  In a file without symbols the first is looked for in
    ``ranges``, the file's constants in memory, by the plain instructions of any version that gdbext
    knows; the second stands beside it.
    """
    deopt, caches = symbol("_PyOpcode_Deopt"), symbol("_PyOpcode_Caches")
    if deopt is not None and caches is not None:
        return _pair(memory, deopt, caches)
    prefixes = {_prefix(opcodes(f.name, f.opcodes())) for f in shipped()}
    for start, end in ranges:
        for address in _occurrences(memory, start, end, prefixes):
            for beside in (address + 256, address - 256):
                if pair := _pair(memory, address, beside):
                    return pair
    return None


def _pair(memory: Memory, deopt: int, caches: int) -> tuple[bytes, bytes] | None:
    """Both arrays, if they can be what they are taken for."""
    try:
        numbers, sizes = memory.read(deopt, 256), memory.read(caches, 256)
    except MemoryFault:
        return None
    is_sound = (
        any(n != i for i, n in enumerate(numbers))
        and len(set(numbers)) >= FEWEST
        and all(numbers[n] == n for n in numbers)
        and max(sizes) < 16
        and any(sizes)
    )
    return (numbers, sizes) if is_sound else None


def _prefix(table: Opcodes) -> bytes:
    """How ``_PyOpcode_Deopt`` of that version begins."""
    return bytes(table.numbers[name] if (name := table.plain[n]) else n for n in range(PREFIX))


def _occurrences(memory: Memory, start: int, end: int, wanted: Collection[bytes]) -> Iterator[int]:
    """Where one of the wanted texts of PREFIX bytes stands."""
    for at in range(start, end, CHUNK):
        try:
            data = memory.read(at, min(CHUNK + PREFIX, end - at))
        except MemoryFault:
            continue  # between the file's sections, which is all that a core need not have itself
        for text in wanted:
            hit = data.find(text)
            while hit != -1:
                yield at + hit
                hit = data.find(text, hit + 1)
