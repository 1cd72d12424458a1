"""Struct layouts and symbols from gdb's debug information."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import gdb

from gdbext.backends.gdb.printed import source_path, symbol_name
from gdbext.backends.gdb.threads import WORD
from gdbext.backends.structs import Member, flattened
from gdbext.target.protocol import Struct, Symbol

STRUCTS = {gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION}
AGGREGATES = STRUCTS | {gdb.TYPE_CODE_ARRAY}


class StructTypes:
    """Struct layouts; good as long as no symbols are read or dropped.

    gdb's own search reads one compile unit after the other until one has the name, some 10 ms each.
    The unit of the bytecode interpreter knows nearly all of CPython's structs, and every Python
    backtrace has had it read.
    """

    def __init__(self) -> None:
        self._near = _types_of_unit("PyEval_EvalCode")
        self._structs: dict[str, Struct | None] = {}

    def struct(self, name: str) -> Struct | None:
        if name not in self._structs:
            self._structs[name] = None
            # A struct whose members' names are no text is not CPython's.
            with suppress(UnicodeDecodeError):
                if (kind := self._find(name)) is not None:
                    self._structs[name] = Struct(name, kind.sizeof, flattened(_members(kind)))
        return self._structs[name]

    def _find(self, name: str) -> gdb.Type | None:
        """A struct by its typedef or tag."""
        if name in self._near and (kind := _as_struct(self._near[name].type)):
            return kind
        # A tag before a typedef: asked for a typedef that does not exist, gdb 13 reads every unit
        # (1 s).
        for spelling in (f"struct {name}", f"union {name}", name):
            with suppress(gdb.error):
                if kind := _as_struct(gdb.lookup_type(spelling)):
                    return kind
        return None


def _as_struct(kind: gdb.Type) -> gdb.Type | None:
    bare = kind.strip_typedefs()
    return bare if bare.code in STRUCTS and bare.sizeof else None


def _types_of_unit(function: str) -> dict[str, gdb.Symbol]:
    """Typedefs and tags of the compile unit that has the function."""
    try:
        block = gdb.block_for_pc(int(gdb.parse_and_eval(f"&{function}")))
        while block is not None and not block.is_static:
            block = block.superblock
        return {
            name: s
            for s in block or ()
            if s.addr_class == gdb.SYMBOL_LOC_TYPEDEF
            and s.type.sizeof
            and (name := symbol_name(s)) is not None
        }
    except (gdb.error, RuntimeError):
        return {}


def _members(kind: gdb.Type) -> Iterator[Member]:
    for member in kind.fields():
        if hasattr(member, "bitpos"):
            bare = member.type.strip_typedefs()
            yield Member(
                member.name,
                member.bitpos,
                bare.sizeof,
                member.bitsize,
                partial(_members, bare) if bare.code in STRUCTS else None,
            )


def dwarf_symbol(name: str, file: str | None) -> Symbol | None:
    """A symbol that only separate debug information knows, or that gdb has of a remote target."""
    try:
        found = (
            gdb.lookup_static_symbols(name)
            if file
            else [gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)]
        )
        for symbol in found:
            if symbol is not None and (
                file is None or (source_path(symbol.symtab) or "").endswith(file)
            ):
                value = symbol.value()
                return Symbol(
                    name,
                    int(value.address) & WORD,
                    0 if value.type.code == gdb.TYPE_CODE_FUNC else value.type.sizeof,
                )
        # Without debug information there is still the linker's symbol, whose size gdb does not
        # tell.
        return None if file else Symbol(name, int(gdb.parse_and_eval(f"&'{name}'")) & WORD)
    except (gdb.error, ValueError, TypeError):
        return None
