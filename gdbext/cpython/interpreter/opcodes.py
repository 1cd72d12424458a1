"""The instructions of a version as a table: numbers, inline caches, specialisations, stack effects.

Made from the facts of a version or of a build (``opcodes.json``), which come from CPython's
Include/internal/pycore_opcode_metadata.h.  Which table a process has is decided in
:mod:`opcode_choice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from gdbext.frozen import dataclass

INSTRUMENTED = "INSTRUMENTED_"


@dataclass(frozen=True, kw_only=True)
class Opcodes:
    """One version's instructions.

    ``plain`` gives each of the 256 numbers its unspecialised, uninstrumented name (None: not an
    instruction, or one that only stands in for another), ``caches`` the code units of inline cache
    behind it.  ``numbers`` has the plain instructions' own.  ``effects`` are factors (see
    :meth:`effect`).  ``binary`` names BINARY_OP's arguments, ``import_name_shift`` how many flag
    bits IMPORT_NAME's argument has below the index of the name, ``instrumented`` the numbers that
    tools put in place.  ``magic`` is the pyc magic number, None if not known.
    """

    name: str
    magic: int | None
    plain: tuple[str | None, ...]
    caches: tuple[int, ...]
    numbers: Mapping[str, int]
    effects: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    binary: tuple[str, ...]
    stand_ins: Mapping[int, str]
    instrumented: frozenset[int] = frozenset()
    import_name_shift: int = 0

    def effect(self, name: str, oparg: int) -> tuple[int, int]:
        """(values popped, values pushed)."""
        return _effect(*self.effects[name], oparg)

    def with_specialisations(self, deopt: bytes) -> Opcodes:
        """The same plain instructions, specialised as the process's own ``_PyOpcode_Deopt`` says.

        Specialised instructions are renumbered without a new magic number.
        """
        plain: list[str | None] = [None] * 256
        for instruction, number in self.numbers.items():
            plain[number] = instruction
        for number in range(256):
            if deopt[number] != number:
                plain[number] = plain[deopt[number]]
            elif number in self.instrumented:
                plain[number] = self.plain[number]
        sizes = tuple(
            self.caches[self.numbers[name]] if (name := plain[n]) else 0 for n in range(256)
        )
        return replace(self, plain=tuple(plain), caches=sizes)

    def disagreement(self, deopt: bytes, caches: bytes) -> str | None:
        """What of the plain instructions is not as the process's own arrays have it; None if
        nothing is.
        """
        for name, number in self.numbers.items():
            if name == "CACHE":
                continue
            if deopt[number] != number:
                return f"{name} is not number {number}"
            if caches[number] != self.caches[number]:
                return f"{name} has {caches[number]} units of cache, not {self.caches[number]}"
        return None


def opcodes(name: str, content: Mapping[str, Any]) -> Opcodes:
    """The table of a version's or a build's facts; ``name`` is theirs."""
    plain: list[str | None] = [None] * 256
    caches = [0] * 256
    numbers, effects, stand_ins = {}, {}, {}
    instrumented = set()
    for instruction, entry in content["opcodes"].items():
        plain[entry["number"]] = instruction
        caches[entry["number"]] = entry["cache"]
        numbers[instruction] = entry["number"]
        effects[instruction] = tuple(entry["pops"]), tuple(entry["pushes"])
    for instruction, (number, base) in content["variants"].items():
        if instruction.startswith(INSTRUMENTED):
            instrumented.add(number)
        if base is None:
            stand_ins[number] = instruction
        else:
            plain[number] = base
            caches[number] = content["opcodes"][base]["cache"]
    return Opcodes(
        name=name,
        magic=content["magic"],
        plain=tuple(plain),
        caches=tuple(caches),
        numbers=numbers,
        effects=effects,
        binary=tuple(content["binary"]),
        stand_ins=stand_ins,
        instrumented=frozenset(instrumented),
        import_name_shift=content["import_name_shift"],
    )


@lru_cache(maxsize=1 << 12)
def _effect(pops: tuple[int, ...], pushes: tuple[int, ...], oparg: int) -> tuple[int, int]:
    return _amount(pops, oparg), _amount(pushes, oparg)


def _amount(factors: tuple[int, ...], oparg: int) -> int:
    """A stack effect: the sum of these terms, each times its factor; the last ones may
    be left out.
    """
    if len(factors) == 1:
        return factors[0]
    terms = (1, oparg, oparg & 1, oparg >> 8, oparg & 0xFF, oparg == 3)
    return sum(factor * term for factor, term in zip(factors, terms))
