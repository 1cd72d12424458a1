"""Numbers (CPython's Objects/longobject.c, Include/cpython/longintrepr.h, Objects/floatobject.c,
Objects/complexobject.c).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Complex, Float, Int, Violation
from gdbext.cpython.objects.family import Family
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter

DIGIT_BITS = 30
MAX_DIGITS = 10_000
"""Digits of 30 bits; larger numbers are not read."""
SAFE_BITS = 14_000
"""Python refuses to write more than 4300 decimal digits."""
# The two low bits of lv_tag: 3 is not a sign; bit 2 marks the small ints of 3.14 and later.
SIGNS = {0: 1, 1: 0, 2: -1}


class IntFamily(Family):
    """``int``, ``bool`` and their subclasses: digits of 30 bits, least significant first, and a tag
    with their number.
    """

    names = ("int", "bool")
    struct = "PyLongObject"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Int:
        tag = core.field("PyLongObject", address, "lv_tag")
        count, sign = tag >> 3, SIGNS.get(tag & 3)
        if sign is None or count > MAX_DIGITS:
            return Int(address, info, None, count)
        digits = array(
            "I",
            core.memory.read(address + core.layout.offset("PyLongObject", "ob_digit"), 4 * count)
            if count
            else b"",
        )
        return Int(
            address,
            info,
            sign * sum(digit << DIGIT_BITS * i for i, digit in enumerate(digits)),
            count,
        )

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        place = address + core.layout.offset("PyLongObject", "lv_tag")
        tag = core.word(place)
        count, sign = tag >> 3, SIGNS.get(tag & 3)
        if sign is None:
            yield Violation("lv_tag", Claim("int-without-sign"), place, tag)
        elif count > 1 << 40:
            yield Violation("lv_tag", Claim("int-too-long", digits=count), place, tag)
        elif count and self.decode(core, address, None).value == 0 and sign:
            yield Violation("lv_tag", Claim("int-digits-zero"), place, tag)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        found = self.decode(write.core, address, info)
        if info.name == "bool" and not info.is_heap_type:
            yield str(bool(found.value))
        elif found.value is None or found.value.bit_length() > SAFE_BITS:
            yield f"<int of {found.digits} digits of {DIGIT_BITS} bits at {address:#x}>"
        else:
            yield str(found.value)


class FloatFamily(Family):
    """Floats (Objects/floatobject.c)."""

    names = ("float",)
    struct = "PyFloatObject"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Float:
        return Float(
            address, info, core.double(address + core.layout.offset("PyFloatObject", "ob_fval"))
        )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield repr(self.decode(write.core, address, info).value)


class ComplexFamily(Family):
    """Complex numbers (Objects/complexobject.c)."""

    names = ("complex",)
    struct = "PyComplexObject"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Complex:
        data = core.memory.read(address + core.layout.offset("PyComplexObject", "cval"), 16)
        return Complex(address, info, complex(*struct.unpack("<dd", data)))

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield repr(self.decode(write.core, address, info).value)
