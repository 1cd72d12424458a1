"""Where the crashed thread died, in names that builds and machines share."""

from __future__ import annotations

from gdbext.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class CrashSite:
    """The innermost functions up to the Python frame that called them, and who called."""

    functions: tuple[str, ...] = ()
    """Those that every build has; see :func:`conclude.crash_site.site_functions`."""
    called: tuple[str, ...] = ()
    """Where there are none of these: those that C code called by name."""
    callers: tuple[str, ...] = ()
    """The innermost Python functions, each with its file's name."""
    extension: str | None = None
    """The extension module that is loaded, if there is one only."""
    is_in_other_code: bool = False
    """The fault came in or below a library that is not part of Python, or by a signal that somebody
    sent.
    """
    is_crash: bool = False
    assertion: str | None = None
    holder: int | None = None
    """The object that still has the pointer to what was lost."""
