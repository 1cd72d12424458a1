"""Struct layouts, types and values from drgn's debug information."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import drgn
from drgn import TypeKind

from gdbext.backends.adapter import LOST, NO_INTEGER
from gdbext.backends.drgn.program import ERRORS
from gdbext.backends.structs import Member, flattened
from gdbext.target.protocol import Struct

STRUCTS = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)
AGGREGATES = (*STRUCTS, TypeKind.ARRAY)
INTEGERS = (TypeKind.POINTER, TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM)
WORD_BYTES = 8

# The kernel's struct pt_regs of x86-64 (arch/x86/include/uapi/asm/ptrace.h), each a word.
PT_REGS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags rsp ss"
).split()
PT_REGS_NAMES = {
    "rflags": "flags",
    **{f"r{name}": name for name in "bp bx ax cx dx si di ip sp".split()},
}


def registers_object(program: drgn.Program, values: Mapping[str, int]) -> drgn.Object:
    """A ``struct pt_regs`` from which drgn unwinds; what is not in ``values`` is 0."""
    word = program.int_type("unsigned long", WORD_BYTES, False)
    members = {PT_REGS_NAMES.get(name, name): values.get(name, 0) for name in PT_REGS}
    kind = program.struct_type(
        "pt_regs",
        WORD_BYTES * len(members),
        [
            drgn.TypeMember(word, name, 8 * WORD_BYTES * position)
            for position, name in enumerate(members)
        ],
    )
    return drgn.Object(program, kind, members)


def bare(kind: drgn.Type) -> drgn.Type:
    """The type that typedefs stand for."""
    while kind.kind == TypeKind.TYPEDEF:
        kind = kind.type
    return kind


def struct(program: drgn.Program, name: str) -> Struct | None:
    """The layout of a struct or union by its tag or typedef."""
    for spelling in (f"struct {name}", f"union {name}", name):
        try:
            kind = bare(program.type(spelling))
            if kind.kind in STRUCTS and kind.size:
                return Struct(name, kind.size, flattened(_members(kind)))
        except ERRORS:
            continue
    return None


def _members(kind: drgn.Type) -> Iterator[Member]:
    for member in kind.members or ():
        inner = bare(member.type)
        yield Member(
            member.name,
            member.bit_offset,
            0 if member.bit_field_size else size_of(inner),
            member.bit_field_size or 0,
            partial(_members, inner) if inner.kind in STRUCTS else None,
        )


def size_of(kind: drgn.Type) -> int:
    """A type's size in bytes; 0 for an array without a length, and for what has no size."""
    try:
        return int(drgn.sizeof(kind))
    except TypeError:
        return 0


class Shape(NamedTuple):
    """What of a type decides how a variable's value is read; ``size`` in bytes, 0 where it has
    none.
    """

    size: int
    is_aggregate: bool
    fits_register: bool


def shape(kind: drgn.Type) -> Shape:
    """The shape of a variable's type."""
    size, bare_kind = size_of(kind), bare(kind).kind
    # A struct of one word lives in a register.
    fits_register = bare_kind in (*INTEGERS, *STRUCTS) and size <= WORD_BYTES
    return Shape(size, bare_kind in AGGREGATES, fits_register)


def bits(value: drgn.Object, shape: Shape) -> tuple[int | None, bool, str | None]:
    """(bits, False, None), (address of an aggregate, True, None), or (None, False, why not)."""
    if value.absent_:
        return None, False, LOST
    if shape.is_aggregate and value.address_ is not None:
        return value.address_, True, None
    if not shape.fits_register:
        return None, False, NO_INTEGER
    try:
        return int.from_bytes(value.to_bytes_(), "little"), False, None
    except ERRORS as error:
        return None, False, str(error)
