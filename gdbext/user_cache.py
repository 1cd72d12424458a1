"""Where gdbext keeps what it may make again: the folder of this user."""

from __future__ import annotations

import os


def folder() -> str:
    """``$GDBEXT_CACHE``, else ``$XDG_CACHE_HOME/gdbext``, else ``~/.cache/gdbext``."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("GDBEXT_CACHE") or os.path.join(home, "gdbext")
