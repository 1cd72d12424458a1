"""What gdb says, as text.

A damaged core or program has names that are none: gdb's Python raises UnicodeDecodeError for those.
"""

from __future__ import annotations

import os

import gdb


def output_of(command: str) -> str:
    """What one of gdb's commands prints; empty where it fails, or prints what is not text."""
    try:
        return str(gdb.execute(command, to_string=True))
    except (gdb.error, UnicodeDecodeError):
        return ""


def function_name(frame: gdb.Frame) -> str | None:
    """gdb's name of a frame's function; None where it has none that is text."""
    try:
        name: str | None = frame.name()
    except UnicodeDecodeError:
        return None
    return name


def symbol_name(symbol: gdb.Symbol) -> str | None:
    """A symbol's name; None where it is not text, as damaged debug information may have it."""
    try:
        name: str | None = symbol.name
    except UnicodeDecodeError:
        return None
    return name


def source_path(symtab: gdb.Symtab) -> str | None:
    """A source file's path, below the folder of the build where that is all that DWARF has; None
    where it is not text, as damaged debug information may have it.
    """
    try:
        full: str = symtab.fullname()
        if os.path.isabs(full):
            return str(os.path.normpath(full))
        return str(os.path.normpath(symtab.filename)).lstrip("./")
    except UnicodeDecodeError:
        return None


def library_at(address: int) -> str | None:
    """The shared library that gdb has at an address; None where there is none, or its name is no
    text.
    """
    try:
        name: str | None = gdb.solib_name(address)
    except UnicodeDecodeError:
        return None
    return name
