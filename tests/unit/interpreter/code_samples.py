"""Code objects as the check sees them, made of the stored bytecode of code/MINOR.json."""

from __future__ import annotations

from gdbext.cpython.interpreter.bytecode import Instrumentation
from gdbext.cpython.interpreter.code_check import CheckedCode
from gdbext.cpython.interpreter.opcodes import Opcodes
from unit.interpreter.snippets import snippet

ENOUGH_ROOM = 64
"""More values, constants and names than any stored function has."""
LINEAR = ("clears", "shows")
"""Stored functions without exception handlers."""


def checked(
    content: bytes,
    *,
    stack_size: int = ENOUGH_ROOM,
    names: int = ENOUGH_ROOM,
    constants: int = ENOUGH_ROOM,
    variables: int = ENOUGH_ROOM,
    exception_table: bytes = b"",
) -> CheckedCode:
    """A code object with that bytecode and those numbers of things."""
    return CheckedCode(
        content=content,
        instrumentation=Instrumentation(),
        exception_table=exception_table,
        stack_size=stack_size,
        names=names,
        constants=constants,
        variables=variables,
    )


def stored(minor: int, name: str = "shows") -> CheckedCode:
    """What that version's compiler made of the function."""
    code = snippet(minor, name)
    return checked(
        bytes.fromhex(code["adaptive"]), names=len(code["names"]), variables=len(code["slots"])
    )


def encoded(table: Opcodes, *instructions: tuple[str, int]) -> bytes:
    """Instructions with their caches."""
    return b"".join(
        bytes((table.numbers[name], oparg)) + bytes(2 * table.caches[table.numbers[name]])
        for name, oparg in instructions
    )
