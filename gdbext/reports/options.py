"""How a report is to be shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from gdbext.frozen import dataclass

if TYPE_CHECKING:
    from gdbext.model import Report

DEFAULT_WIDTH = 100
NARROWEST = 40
WIDEST = 130
"""Longer lines are hard to read, however wide the terminal is."""


@dataclass(frozen=True)
class Options:
    """Every format takes all of them and uses what it can.

    ``colors`` is 0 (none), 16, 256 or 16777216; ``width`` is in columns; ``ascii`` is for outputs
    that have no Unicode; ``style`` a Pygments style's name (``default``: the terminal's own
    colours); ``root`` the folder that file names are made relative to, for CI services that want
    them so.
    """

    colors: int = 0
    width: int = DEFAULT_WIDTH
    verbose: bool = False
    redact: bool = False
    ascii: bool = False
    style: str = "default"
    root: str | None = None

    def prepared(self, report: Report) -> Report:
        """The report as it may be shown: without the program's values where ``redact`` is set."""
        if not self.redact:
            return report
        from gdbext.reports.redact import redact

        return redact(report)


def wants_color(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether colours suit what is written to ``stream``: a terminal, and nobody objects.

    NO_COLOR (https://no-color.org) and ``TERM=dumb`` object.
    """
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def detect(
    stream: TextIO,
    *,
    color: bool | None = None,
    width: int | None = None,
    verbose: bool = False,
    redact: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Options:
    """Options that suit what is written to ``stream``.

    ``color`` is the user's or the debugger's word; without one :func:`wants_color` decides.
    GDBEXT_STYLE names a Pygments style.
    """
    is_terminal = stream.isatty()
    if color is None:
        color = wants_color(stream, environ)
    if width is None:
        width = _terminal_width() if is_terminal else DEFAULT_WIDTH
    return Options(
        colors=_colors(environ) if color else 0,
        width=max(NARROWEST, min(width, WIDEST)),
        verbose=verbose,
        redact=redact,
        ascii=not _has_signs(stream),
        style=environ.get("GDBEXT_STYLE") or "default",
        root=environ.get("GITHUB_WORKSPACE") or environ.get("CI_PROJECT_DIR"),
    )


def _colors(environ: Mapping[str, str]) -> int:
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return 1 << 24
    return 256 if "256color" in environ.get("TERM", "") else 16


def _has_signs(stream: TextIO) -> bool:
    """Whether the stream can write our signs."""
    try:
        "✗✓·…→│├└".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _terminal_width() -> int:
    import shutil  # It loads compressors, and few reports go to a terminal.

    return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
