"""Colours, by meaning.  Never the only sign of anything: what is wrong carries a ✗ as well.

A :class:`Style` paints text in a role (``error``, ``address``, ``function`` …).  The default style
uses the terminal's own 16 colours, so it follows the user's theme, light or dark; any other is a
Pygments style by name.  Source code is highlighted with Pygments' lexers.  Without Pygments
everything works, the code just stays plain.

>>> Style(16)("address", "0x10")
'\\x1b[36m0x10\\x1b[0m'
>>> Style(0)("address", "0x10")
'0x10'
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Role = Literal[
    "error",
    "warning",
    "good",
    "dim",
    "heading",
    "address",
    "type",
    "function",
    "file",
    "keyword",
    "string",
    "number",
    "comment",
    "builtin",
]
Language = Literal["c", "python"]

# role: (SGR parameters on the terminal's own palette, the Pygments token that stands for it in
# other styles)
ROLES: dict[Role, tuple[str, str]] = {
    "error": ("1;31", "Generic.Error"),
    "warning": ("33", "Generic.Deleted"),
    "good": ("32", "Generic.Inserted"),
    "dim": ("2", "Comment"),
    "heading": ("1", "Generic.Heading"),
    "address": ("36", "Number.Hex"),
    "type": ("35", "Name.Class"),
    "function": ("1", "Name.Function"),
    "file": ("34", "Name.Namespace"),
    "keyword": ("34", "Keyword"),
    "string": ("32", "String"),
    "number": ("36", "Number"),
    "comment": ("2", "Comment"),
    "builtin": ("36", "Name.Builtin"),
}
RESET = "\x1b[0m"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Style:
    """Paints text; with ``colors`` 0 it leaves it alone."""

    def __init__(self, colors: int = 0, name: str = "default") -> None:
        self.colors = colors
        self._codes = _codes(colors, name) if colors else {}

    def __call__(self, role: Role, text: str) -> str:
        """The text in the colours of a role; as it is where nothing is coloured."""
        sgr = self._codes.get(role)
        return f"\x1b[{sgr}m{text}{RESET}" if sgr and text else text

    def highlight(self, code: str, language: Language) -> str:
        """One or more lines of source, highlighted.

        ``code`` must be harmless already (``sanitize.source_line``).
        """
        if not self.colors:
            return code
        return "".join(self(role, text) if role else text for role, text in tokens(code, language))


def tokens(code: str, language: Language) -> Iterator[tuple[Role | None, str]]:
    """The code in pieces with their roles; together they are exactly ``code``.

    One piece if Pygments is not there.
    """
    lexer = _lexer(language)
    if lexer is None or not code:
        yield None, code
        return
    left = len(code)
    for token, text in lexer.get_tokens(code):
        # Lexers end the text with a newline of their own.
        piece, left = text[:left], left - len(text[:left])
        if piece:
            yield _role(token), piece


def plain(text: str) -> str:
    """The text without colours."""
    return ESCAPES.sub("", text)


@cache
def _lexer(language: Language) -> Any:
    try:
        if language == "python":
            from pygments.lexers.python import PythonLexer

            return PythonLexer(stripnl=False, ensurenl=False)
        from pygments.lexers import c_cpp

        c_lexer: Any = c_cpp.CLexer
        return c_lexer(stripnl=False, ensurenl=False)
    except ImportError:
        return None


# The first that a token's name begins with counts.
TOKEN_ROLES: tuple[tuple[str, Role], ...] = (
    ("Token.Keyword.Type", "type"),
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Name.Function", "function"),
    ("Token.Name.Class", "type"),
    ("Token.Name.Builtin", "builtin"),
    ("Token.Name.Exception", "type"),
    ("Token.Literal.String", "string"),
    ("Token.Literal.Number", "number"),
    ("Token.Comment.Preproc", "keyword"),
    ("Token.Comment", "comment"),
)


@cache
def _role(token: Any) -> Role | None:
    name = str(token)
    return next((role for prefix, role in TOKEN_ROLES if name.startswith(prefix)), None)


@cache
def _codes(colors: int, name: str) -> dict[Role, str]:
    """SGR parameters by role."""
    own = {role: sgr for role, (sgr, _) in ROLES.items()}
    if name == "default":
        return own
    try:
        from pygments.styles import get_style_by_name
        from pygments.token import string_to_tokentype
        from pygments.util import ClassNotFound
    except ImportError:
        return own
    try:
        style = get_style_by_name(name)
    except ClassNotFound:
        return own
    return {
        role: _sgr(style.style_for_token(string_to_tokentype(token)), colors)
        for role, (_, token) in ROLES.items()
    }


def _sgr(look: Any, colors: int) -> str:
    """SGR parameters for a Pygments style's entry."""
    parameters = [
        code
        for code, wanted in (("1", look["bold"]), ("3", look["italic"]), ("4", look["underline"]))
        if wanted
    ]
    if look["color"]:
        red, green, blue = (int(look["color"][i : i + 2], 16) for i in (0, 2, 4))
        if colors >= 1 << 24:
            parameters.append(f"38;2;{red};{green};{blue}")
        elif colors >= 256:
            parameters.append(f"38;5;{16 + 36 * _cube(red) + 6 * _cube(green) + _cube(blue)}")
        else:
            bright = max(red, green, blue) > 0xC0
            hue = (red > 0x60) | (green > 0x60) << 1 | (blue > 0x60) << 2
            parameters.append(str((90 if bright else 30) + hue))
    return ";".join(parameters)


def _cube(level: int) -> int:
    """A channel's place in xterm's colour cube, whose steps are 0, 95, 135, 175, 215, 255."""
    return 0 if level < 48 else 1 if level < 115 else (level - 35) // 40
