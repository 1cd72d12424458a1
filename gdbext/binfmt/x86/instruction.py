"""One x86-64 instruction decoded from its bytes: which memory it accesses, by which registers.

A crash needs one instruction decoded, the one that faulted, so this is small: tables of operand
forms by opcode, in the letters of Intel's manual (Software Developer's Manual, volume 2, appendix
A), and the encodings of ModRM, SIB, REX, VEX and EVEX (chapter 2).  The text is AT&T syntax as gdb
prints it, with a size suffix only where no register tells the size.

>>> instruction = decode(bytes.fromhex("488b7818"))
>>> str(instruction), instruction.accesses[0].base, instruction.accesses[0].displacement
('mov 0x18(%rax),%rdi', 'rax', 24)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from gdbext.binfmt.x86.opcodes import (
    ADDRESS_ONLY,
    EVEX,
    ONE,
    READ_ONLY,
    THREE_3A,
    THREE_38,
    TWO,
    VEX_ONLY,
    X87,
)
from gdbext.frozen import dataclass

WORD = (1 << 64) - 1
LONGEST = 15
"""The most bytes that an instruction may have."""
GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
SEGMENTS = {0x26: "es", 0x2E: "cs", 0x36: "ss", 0x3E: "ds", 0x64: "fs", 0x65: "gs"}


@dataclass(frozen=True, kw_only=True)
class MemoryOperand:
    """``segment:displacement(base,index,scale)``.

    ``base`` is ``rip`` for an address relative to the next instruction.
    """

    segment: str | None = None
    base: str | None = None
    index: str | None = None
    scale: int = 1
    displacement: int = 0
    is_written: bool = False
    is_accessed: bool = True
    """False of the operand of ``lea``, ``nop`` and prefetches, which only names an address."""

    def __str__(self) -> str:
        segment = f"%{self.segment}:" if self.segment in ("fs", "gs") else ""
        shown = f"{'-' * (self.displacement < 0)}{abs(self.displacement):#x}"
        if self.base is None and self.index is None:
            return segment + f"{self.displacement & WORD:#x}"
        inner = f"%{self.base}" if self.base else ""
        if self.index:
            inner += f",%{self.index}" + (
                f",{self.scale}" if self.scale > 1 or not self.base else ""
            )
        return f"{segment}{shown if self.displacement else ''}({inner})"

    def address(self, registers: Mapping[str, int], next_instruction: int = 0) -> int | None:
        """What it evaluates to; None where a register is not known, or is a vector, or the segment
        has a base of its own.
        """
        if self.segment in ("fs", "gs"):
            return None
        address = self.displacement
        for name, factor in ((self.base, 1), (self.index, self.scale)):
            if name == "rip":
                address += next_instruction
            elif name is not None:
                if name not in registers:
                    return None
                address += registers[name] * factor
        return address & WORD


class Immediate(NamedTuple):
    """A constant operand.  ``bits`` is the operand's size: AT&T text shows it unsigned in that
    size.
    """

    value: int
    bits: int

    def __str__(self) -> str:
        return f"${self.value & (1 << self.bits) - 1:#x}"


Operand: TypeAlias = "str | Immediate | MemoryOperand | int"
"""A register's name, a constant, memory, or the distance that a branch goes."""


class Instruction(NamedTuple):
    """``operands`` are in AT&T's order, the destination last; a register is its name, a branch's
    target a distance.

    ``prefix`` is ``lock``, ``rep`` … where it has one, ``size`` the number of its bytes.
    """

    mnemonic: str
    operands: tuple[Operand, ...]
    size: int
    prefix: str = ""
    is_indirect: bool = False
    """A jump or call whose target is in its operand."""
    mask: str = ""
    """The mask of an AVX-512 instruction, as it stands behind the destination: ``{%k1}{z}``."""

    @property
    def accesses(self) -> list[MemoryOperand]:
        """The memory that it reads or writes, the operand named first in AT&T's order first.

        Without an explicit operand: the stack's slot that a ``push`` or ``call`` writes.
        """
        named = [o for o in self.operands if isinstance(o, MemoryOperand) and o.is_accessed]
        if not named and self.mnemonic in PUSHES:
            return [MemoryOperand(base="rsp", displacement=-8, is_written=True)]
        return named

    def text(self, address: int = 0) -> str:
        """AT&T syntax.  ``address`` is the instruction's own: a branch shows where it leads to."""
        shown = []
        for operand in self.operands:
            if isinstance(operand, int):
                shown.append(f"{address + self.size + operand & WORD:#x}")
            elif isinstance(operand, str):
                shown.append(f"{'*' * self.is_indirect}%{operand}")
            else:
                indirect = self.is_indirect and isinstance(operand, MemoryOperand)
                shown.append(f"{'*' * indirect}{operand}")
        prefix = f"{self.prefix} " if self.prefix else ""
        return f"{prefix}{self.mnemonic} {','.join(shown)}{self.mask}".rstrip()

    def __str__(self) -> str:
        return self.text()


SUFFIXES = {8: "b", 16: "w", 32: "l", 64: "q"}
BETWEEN_HALVES = {"ovlps": "ovhlps", "ovhps": "ovlhps"}
"""movlps and movhps between registers, without their first letter."""
COMPARISON = re.compile("(vpcmp(?=u?[bwdq]$)|v?cmp(?=[ps][sd]$))(\\w+)")
FLOAT_RELATIONS = ("eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord")
INTEGER_RELATIONS = ("eq", "lt", "le", "", "neq", "nlt", "nle", "")
PUSHES = ("push", "call", "pushf", "enter")


class _Truncated(Exception):
    """The bytes end within the instruction."""


class _Undefined(Exception):
    """An opcode that the tables do not have."""


def decode(code: bytes) -> Instruction | None:
    """The instruction that the bytes begin with; None for one that is not known here,
    or cut short.
    """
    try:
        return _Decoder(code).instruction()
    except (_Truncated, _Undefined):
        return None


class _Decoder:
    """Reads one instruction's bytes from the left to the right."""

    def __init__(self, code: bytes) -> None:
        self._code = code[:LONGEST]
        self._at = 0
        self._prefixes: list[int] = []
        self._segment: str | None = None
        self._rex = 0
        self._vex = False
        self._evex = False
        self._map = 0
        self._w = self._r = self._x = self._b = self._r2 = self._v2 = 0
        self._vvvv = 0
        self._length = 0
        """Of a VEX instruction's vectors: 0 for 16 bytes, 1 for 32, 2 for 64."""
        self._mask = 0
        self._zeroing = self._broadcast = False
        self._modrm = -1
        self._opcode = 0
        self._memory: MemoryOperand | None = None

    def instruction(self) -> Instruction:
        form = self._form()
        prefix = self._prefix(form)
        names, _, text = form.partition(" ")
        if form.startswith("/"):
            *choices, text = form[1:].split(" ")
            names = dict(enumerate(choices)).get(self._reg() & 7, "-")
            if names == "-":
                raise _Undefined
            if "," in names:
                names, _, extra = names.partition(",")
                text += f",{extra}"
        names, _, size = names.partition(":")
        if size:
            text = text[:-1] + size
        wanted = [each for each in text.split(",") if each and (each[0] not in "HB" or self._vex)]
        operands = [self._operand(each) for each in wanted]
        mnemonic = self._mnemonic(names, wanted)
        mnemonic, operands = _with_comparison(mnemonic, self._marked(mnemonic, operands))
        operands.reverse()
        is_indirect = self._opcode == 0xFF and self._map == 0 and mnemonic in ("call", "jmp")
        mask = f"{{%k{self._mask}}}" if self._mask else ""
        return Instruction(
            mnemonic, tuple(operands), self._at, prefix, is_indirect, mask + "{z}" * self._zeroing
        )

    # --- bytes ----------------------------------------------------------------------------------

    def _byte(self) -> int:
        if self._at >= len(self._code):
            raise _Truncated
        self._at += 1
        return self._code[self._at - 1]

    def _signed(self, size: int) -> int:
        data = self._code[self._at : self._at + size]
        if len(data) < size:
            raise _Truncated
        self._at += size
        return int.from_bytes(data, "little", signed=True)

    def _form(self) -> str:
        """Reads prefixes and opcode."""
        while (byte := self._byte()) in (0x66, 0x67, 0xF0, 0xF2, 0xF3, *SEGMENTS):
            self._prefixes.append(byte)
            if byte in SEGMENTS:
                self._segment = SEGMENTS[byte]
        if 0x67 in self._prefixes:
            raise _Undefined  # 32-bit addresses: compilers for x86-64 do not write them
        if byte & 0xF0 == 0x40:
            self._rex = byte
            self._w, self._r, self._x, self._b = (byte >> bit & 1 for bit in (3, 2, 1, 0))
            byte = self._byte()
        if byte in (0xC4, 0xC5, 0x62):
            return self._vector_form(byte)
        if byte != 0x0F:
            self._opcode = byte
            if 0xD8 <= byte <= 0xDF:
                return self._x87()
            if byte == 0x90 and self._b:
                return "xchg av,Zv"
            return _known(ONE, byte)
        byte = self._byte()
        table: dict[str, str] = TWO
        self._map = 1
        if byte in (0x38, 0x3A):
            table = THREE_38 if byte == 0x38 else THREE_3A
            self._map = 2 if byte == 0x38 else 3
            byte = self._byte()
        self._opcode = byte
        if self._map == 1 and byte in (0x1E, 0xAE) and self._peek() >= 0xC0:
            return self._fence(byte)
        for prefix in ("f2", "f3", "66"):
            if int(prefix, 16) in self._prefixes and f"{prefix}{byte:02x}" in table:
                self._prefixes.remove(int(prefix, 16))
                return table[f"{prefix}{byte:02x}"]
        return _known(table, f"{byte:02x}")

    def _peek(self) -> int:
        return self._code[self._at] if self._at < len(self._code) else 0

    def _fence(self, opcode: int) -> str:
        """The instructions of these opcodes that have no memory operand."""
        modrm = self._byte()
        if opcode == 0x1E:
            if 0xF3 in self._prefixes and modrm in (0xFA, 0xFB):
                self._prefixes.remove(0xF3)
                return "endbr64" if modrm == 0xFA else "endbr32"
            raise _Undefined
        name = {0xE8: "lfence", 0xF0: "mfence", 0xF8: "sfence"}.get(modrm)
        if name is None or self._prefixes:
            raise _Undefined
        return name

    def _x87(self) -> str:
        modrm = self._peek()
        if modrm >= 0xC0:
            raise _Undefined  # registers of its own stack: it cannot fault
        name = X87[self._opcode - 0xD8].split()[modrm >> 3 & 7]
        if name == "-":
            raise _Undefined
        return f"{name} M"

    def _vector_form(self, first: int) -> str:
        self._vex = True
        one = self._byte()
        self._r = ~one >> 7 & 1
        if first == 0xC5:
            self._map, two = 1, one
        else:
            two = self._byte()
            self._x, self._b = ~one >> 6 & 1, ~one >> 5 & 1
            self._map, self._w = one & (7 if first == 0x62 else 31), two >> 7
        self._vvvv = ~two >> 3 & 15
        self._length = two >> 2 & 1
        prefix = ("", "66", "f3", "f2")[two & 3]
        if first == 0x62:
            three = self._byte()
            self._evex = True
            self._r2, self._v2 = ~one >> 4 & 1, ~three >> 3 & 1
            self._length, self._mask = three >> 5 & 3, three & 7
            self._zeroing, self._broadcast = bool(three & 128), bool(three & 16)
        if self._length > 2:
            # Reserved, but for rounding towards zero, which instructions on memory do not have.
            raise _Undefined
        self._opcode = self._byte()
        key = f"{prefix}{self._opcode:02x}"
        if self._evex:
            form = EVEX.get((self._map, key))
        else:
            older = {1: TWO, 2: THREE_38, 3: THREE_3A}.get(self._map, {})
            form = VEX_ONLY.get((self._map, key)) or (
                older.get(key) if self._map > 1 or self._is_vector(older.get(key, "")) else None
            )
        if form is None or (form == "zeroupper" and self._length):
            raise _Undefined
        return form

    @staticmethod
    def _is_vector(form: str) -> bool:
        return any(each[0] in "VWH" for each in form.rpartition(" ")[2].split(",") if each)

    # --- names ----------------------------------------------------------------------------------

    def _prefix(self, form: str) -> str:
        if 0xF0 in self._prefixes:
            return "lock"
        strings = form[:4] in ("movs", "stos", "lods", "scas", "cmps") and self._map == 0
        if strings and 0xF3 in self._prefixes:
            return "repz" if form[:4] in ("scas", "cmps") else "rep"
        if strings and 0xF2 in self._prefixes:
            return "repnz"
        if self._map == 0 and self._opcode in (0xC3, 0xFF, 0xE8, 0xE9):
            if 0x3E in self._prefixes and self._opcode == 0xFF:
                self._segment = None
                return "notrack"
            if 0xF2 in self._prefixes:
                return "bnd"
            if 0xF3 in self._prefixes:
                return "repz"
        return ""

    def _mnemonic(self, name: str, wanted: list[str]) -> str:
        if "{" in name:
            before, _, rest = name.partition("{")
            letters, _, after = rest.partition("}")
            choices = letters.split(",") if "," in letters else list(letters)
            name = before + choices[self._w] + after
        if (self._vex and self._is_vector(" " + ",".join(wanted))) or name == "zeroupper":
            name = f"v{name}"
        if self._map == 0 and (short := self._one_byte_mnemonic(name, wanted)):
            return short
        if self._map == 1 and self._opcode in (0xB6, 0xB7, 0xBE, 0xBF):
            return name + SUFFIXES[self._bits("v")]
        if self._map == 1 and self._opcode == 0xC7 and self._w:
            return name.replace("8b", "16b")
        if (self._map == 1 and self._opcode == 0x1F) or (name == "nop" and wanted):
            return name + SUFFIXES[self._bits("v")]
        if self._map == 1 and self._opcode == 0xAE and self._w:
            return f"{name}64"
        if self._memory is None and name[-5:] in BETWEEN_HALVES:
            return name[:-5] + BETWEEN_HALVES[name[-5:]]
        if self._memory is None or name in ("call", "jmp", "push", "pop"):
            return name
        # Nothing but the memory's own size tells how much is accessed: the mnemonic says it.
        is_plain = wanted[0][0] == "E" and all(each[0] in "EI1" for each in wanted)
        if (is_plain or wanted == [wanted[0], "cl"]) and not name.startswith("set"):
            return name + SUFFIXES[self._bits(wanted[0][1])]
        if name in ("cvtsi2sd", "cvtsi2ss", "vcvtsi2sd", "vcvtsi2ss"):
            return name + SUFFIXES[self._bits("y")]
        return name

    def _one_byte_mnemonic(self, name: str, wanted: list[str]) -> str | None:
        """Of those opcodes of the first map whose names tell a width or a prefix."""
        if self._opcode == 0x63:
            return "movslq" if self._w else "movsl"
        if self._opcode == 0x90:
            return "pause" if 0xF3 in self._prefixes else "nop"
        if self._opcode == 0x98:
            return "cltq" if self._w else "cwtl"
        if self._opcode == 0x99:
            return "cqto" if self._w else "cltd"
        if (0xB8 <= self._opcode < 0xC0 and self._w) or 0xA0 <= self._opcode < 0xA4:
            return "movabs"
        if 0xA4 <= self._opcode < 0xB0 and "v" in "".join(wanted):
            has_register = any(each[0] == "a" for each in wanted)
            return name if has_register else name + SUFFIXES[self._bits("v")]
        return None

    # --- operands -------------------------------------------------------------------------------

    def _bits(self, size: str) -> int:
        if size in "bwdqo":
            return {"b": 8, "w": 16, "d": 32, "q": 64, "o": 128}[size]
        if size == "y":
            return 64 if self._w else 32
        if size == "x":
            return 128 << self._length
        if size == "h":
            return 64 << self._length
        if size == "z":
            return 16 if 0x66 in self._prefixes and not self._w else 32
        return 64 if self._w else 16 if 0x66 in self._prefixes else 32

    def _general(self, number: int, size: str) -> str:
        return general(number, self._bits(size), bool(self._rex))

    def _vector(self, number: int, size: str) -> str:
        return f"{('xmm', 'ymm', 'zmm')[self._length if size == 'x' else 0]}{number}"

    def _reg(self) -> int:
        self._read_modrm()
        return (self._modrm >> 3 & 7) | self._r << 3 | self._r2 << 4

    def _read_modrm(self) -> None:
        if self._modrm < 0:
            self._modrm = self._byte()

    def _operand(self, code: str) -> Operand:
        where, size = code[0], code[1:] or "v"
        if code in ("cl", "al", "fs"):
            return code
        if where == "a":
            return self._general(0, size)
        if where == "1":
            return Immediate(1, 8)
        if where == "I":
            return self._immediate(size)
        if where == "J":
            return self._signed(self._bits(size) // 8 if size == "b" else 4)
        if where == "Z":
            return self._general(self._opcode & 7 | self._b << 3, size)
        if where in "XY":
            name = "rsi" if where == "X" else "rdi"
            return MemoryOperand(base=name, is_written=False)
        if where == "O":
            return self._named(MemoryOperand(segment=self._segment, displacement=self._signed(8)))
        if where == "H":
            return self._vector(self._vvvv | self._v2 << 4, size)
        if where == "B":
            return self._general(self._vvvv, size)
        if where == "L":
            return self._vector(self._byte() >> 4, size)
        self._read_modrm()
        if where in "GVPSK":
            return self._register(where, size)
        return self._register_or_memory(where, size)

    def _immediate(self, size: str) -> Immediate:
        bits = self._bits(size)
        value = self._signed(bits // 8)
        wide = self._opcode in (0x6A, 0x68, 0x83, 0x6B, 0x81, 0xC7, 0x69, 0xF7, 0xA9) or (
            self._opcode < 0x40 and self._opcode & 7 == 5
        )
        if self._map == 0 and wide:
            # Widened with its sign to the operand's size.
            bits = 64 if self._opcode in (0x68, 0x6A) else self._bits("v")
        return Immediate(value, bits)

    def _register(self, where: str, size: str) -> str:
        reg = self._reg()
        if where == "G":
            return self._general(reg, size)
        if where == "V":
            return self._vector(reg, size)
        if where == "S":
            return ("es", "cs", "ss", "ds", "fs", "gs", "?", "?")[reg & 7]
        return f"{'mm' if where == 'P' else 'k'}{reg & 7}"

    def _register_or_memory(self, where: str, size: str) -> str | MemoryOperand:
        if self._modrm >> 6 < 3:
            return self._named(self._read_memory(size))
        number = (self._modrm & 7) | self._b << 3
        if where == "E":
            return self._general(number, "d" if size in "bw" and self._is_extract() else size)
        if where == "W":
            return self._vector(number | (self._x << 4 if self._evex else 0), size)
        if where == "Q":
            return f"mm{number & 7}"
        raise _Undefined

    def _is_extract(self) -> bool:
        return self._map == 3

    def _named(self, operand: MemoryOperand) -> MemoryOperand:
        self._memory = operand
        return operand

    def _read_memory(self, size: str) -> MemoryOperand:
        mode, low = self._modrm >> 6, self._modrm & 7
        base: str | None = GENERAL[low | self._b << 3]
        index, scale = None, 1
        if low == 4:
            sib = self._byte()
            number = (sib >> 3 & 7) | self._x << 3
            if number != 4:
                index, scale = GENERAL[number], 1 << (sib >> 6)
            base = GENERAL[(sib & 7) | self._b << 3]
            if mode == 0 and sib & 7 == 5:
                base = None
        elif mode == 0 and low == 5:
            base = "rip"
        displacement = 0
        if mode == 1:
            displacement = self._signed(1)
            if self._evex:
                bits = self._bits(size)
                if self._broadcast:
                    bits = 64 if self._w else 32
                displacement *= bits // 8
        elif mode == 2 or base is None or base == "rip":
            displacement = self._signed(4)
        return MemoryOperand(
            segment=self._segment, base=base, index=index, scale=scale, displacement=displacement
        )

    def _marked(self, mnemonic: str, operands: list[Operand]) -> list[Operand]:
        """The operands with what is known of their access: the destination is written, an address
        need not be accessed.
        """
        only_address = mnemonic.startswith(ADDRESS_ONLY)
        bare = mnemonic if mnemonic in READ_ONLY else mnemonic.rstrip("bwlq")
        reads = bare in READ_ONLY or mnemonic.rstrip("lqsp") in ("fld", "fild")
        marked = []
        for place, each in enumerate(operands):
            if isinstance(each, MemoryOperand):
                if self._opcode in range(0xD8, 0xE0) and self._map == 0:
                    written = "st" in mnemonic or mnemonic in ("fnsave", "fbstp")
                else:
                    written = not reads and (place == 0 or mnemonic in ("xchg", "xadd"))
                each = replace(each, is_written=written, is_accessed=not only_address)
            marked.append(each)
        return marked


def _with_comparison(mnemonic: str, operands: list[Operand]) -> tuple[str, list[Operand]]:
    """``vpcmpb $0x0`` is ``vpcmpeqb``: assemblers have names for what the immediate of a comparison
    says.
    """
    kind = COMPARISON.fullmatch(mnemonic)
    last = operands[-1] if operands else None
    if kind is None or not isinstance(last, Immediate) or last.value not in range(8):
        return mnemonic, operands
    relation = (INTEGER_RELATIONS if kind[1].endswith("pcmp") else FLOAT_RELATIONS)[last.value]
    return (f"{kind[1]}{relation}{kind[2]}", operands[:-1]) if relation else (mnemonic, operands)


def _known(table: Mapping[Any, str], key: object) -> str:
    if key not in table:
        raise _Undefined
    return table[key]


def general(number: int, bits: int, has_rex: bool = True) -> str:
    """The name of a general register's lowest bits; without a REX prefix the numbers 4 to 7 are the
    second bytes.

    >>> general(0, 64), general(0, 8), general(9, 32), general(4, 8, has_rex=False)
    ('rax', 'al', 'r9d', 'ah')
    """
    name = GENERAL[number]
    if bits == 64:
        return name
    if number >= 8:
        return name + {32: "d", 16: "w", 8: "b"}[bits]
    if bits == 32:
        return f"e{name[1:]}"
    if bits == 16:
        return name[1:]
    if number < 4:
        return f"{name[1]}l"
    return f"{name[1:]}l" if has_rex else f"{GENERAL[number - 4][1]}h"
