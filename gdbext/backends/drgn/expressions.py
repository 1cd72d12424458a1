"""Expressions of C over a core: numbers, ``$registers``, variables and symbols; members, items,
casts, ``sizeof``, ``+ - *``.

drgn has typed objects but no parser.  Nothing is called and nothing assigned.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import drgn
from drgn import TypeKind

from gdbext.backends.drgn.program import ERRORS
from gdbext.backends.drgn.types import AGGREGATES, bare, size_of
from gdbext.target.protocol import DebuggerError, Symbol

TOKEN = re.compile(r"\s*(0[xX][0-9a-fA-F]+|\d+|\$?\w+|->|[-+*&.()\[\]]|\S)")
WORD = (1 << 64) - 1
END = ""


class Expressions:
    """``frame`` has the variables, ``registers`` the registers; ``symbol`` finds what has no debug
    information.
    """

    def __init__(
        self,
        program: drgn.Program,
        frame: drgn.StackFrame | None,
        registers: dict[str, int],
        symbol: Callable[[str], Symbol | None],
    ) -> None:
        self._program = program
        self._frame = frame
        self._registers = registers
        self._local_names = frame.locals() if frame is not None else []
        self._symbol = symbol

    def value(self, expression: str) -> int:
        """The value as an unsigned word; of a struct, array or function its address.

        Raises:
            DebuggerError: what is wrong with the expression.
        """
        try:
            tokens = _Tokens(TOKEN.findall(expression))
            found = self._sum(tokens)
            if tokens.next != END:
                raise DebuggerError(f"`{tokens.next}` is not understood; functions are not called")
            if found.absent_:
                raise DebuggerError("it is optimized out here; give its address instead")
            if bare(found.type_).kind in (*AGGREGATES, TypeKind.FUNCTION):
                if found.address_ is None:
                    raise DebuggerError("it has no address")
                return int(found.address_)
            return int(int(found) & WORD)
        except RecursionError:
            raise DebuggerError(f"`{expression[:80]}`: too deeply nested") from None
        except ERRORS as error:
            complaint = str(error).splitlines() or ["it has no value"]
            raise DebuggerError(f"`{expression}`: {complaint[0]}") from None

    def _sum(self, tokens: _Tokens) -> drgn.Object:
        found = self._product(tokens)
        while tokens.next in ("+", "-"):
            if tokens.take() == "+":
                found = found + self._product(tokens)
            else:
                found = found - self._product(tokens)
        return found

    def _product(self, tokens: _Tokens) -> drgn.Object:
        found = self._prefixed(tokens)
        while tokens.next == "*":
            tokens.take()
            found = found * self._prefixed(tokens)
        return found

    def _prefixed(self, tokens: _Tokens) -> drgn.Object:
        if tokens.next == "&":
            tokens.take()
            return self._prefixed(tokens).address_of_()
        if tokens.next == "*":
            tokens.take()
            return self._prefixed(tokens)[0]
        if tokens.next == "-":
            tokens.take()
            return -self._prefixed(tokens)
        if tokens.next == "sizeof":
            tokens.take()
            kind = self._parenthesized_type(tokens)
            return self._number(size_of(kind or self._prefixed(tokens).type_))
        if kind := self._parenthesized_type(tokens):
            return drgn.cast(kind, self._prefixed(tokens))
        return self._member(tokens)

    def _member(self, tokens: _Tokens) -> drgn.Object:
        found = self._primary(tokens)
        while tokens.next in (".", "->", "["):
            if tokens.take() == "[":
                found = found[self._sum(tokens)]
                tokens.expect("]")
            else:
                found = found.member_(tokens.take())
        return found

    def _primary(self, tokens: _Tokens) -> drgn.Object:
        word = tokens.take()
        if word == "(":
            found = self._sum(tokens)
            tokens.expect(")")
            return found
        if word[:1].isdigit():
            return self._number(int(word, 0))
        if word.startswith("$"):
            name = {"pc": "rip", "sp": "rsp"}.get(word[1:], word[1:])
            if name not in self._registers:
                raise DebuggerError(f"the register {word} is not known here")
            return self._number(self._registers[name])
        if not word.isidentifier():
            raise DebuggerError(f"`{word}` is not understood" if word else "it ends too early")
        return self._named(word)

    def _named(self, name: str) -> drgn.Object:
        for find in (self._frame.__getitem__ if self._frame else None, self._program.__getitem__):
            try:
                found = find(name) if find is not None else None
            except ERRORS:
                continue
            # What a unit only declares has no value there.
            if found is not None and (not found.absent_ or name in self._local_names):
                return found
        if symbol := self._symbol(name):
            return drgn.Object(self._program, "char", address=symbol.address)
        raise DebuggerError(f"there is no `{name}`")

    def _parenthesized_type(self, tokens: _Tokens) -> drgn.Type | None:
        """The type that stands in parentheses next, if one does."""
        words = tokens.parenthesized()
        if (
            not words
            or not words[0].isidentifier()
            or not all(w.isidentifier() or w == "*" for w in words)
        ):
            return None
        try:
            kind = self._program.type(" ".join(words))
        except ERRORS:
            return None
        tokens.skip(len(words) + 2)
        return kind

    def _number(self, value: int) -> drgn.Object:
        return drgn.Object(self._program, "unsigned long", value & WORD)


class _Tokens:
    """What is left of an expression."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0

    @property
    def next(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else END

    def take(self) -> str:
        word = self.next
        self._at += 1
        return word

    def skip(self, count: int) -> None:
        self._at += count

    def expect(self, word: str) -> None:
        if self.take() != word:
            raise DebuggerError(f"a `{word}` is missing")

    def parenthesized(self) -> list[str]:
        """The words up to the next closing parenthesis, if an opening one comes first."""
        rest = self._words[self._at :]
        if END in rest or rest[:1] != ["("] or ")" not in rest:
            return []
        return rest[1 : rest.index(")")]
