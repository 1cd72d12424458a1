"""Which files are extension modules of Python's own standard library."""

from __future__ import annotations

import os
import sys


def is_standard(path: str | None) -> bool:
    """Whether a mapped file is one, by the name of its module.

    >>> is_standard("/usr/lib/python3.13/lib-dynload/array.cpython-313t-x86_64-linux-gnu.so")
    True
    """
    return os.path.basename(path or "").split(".")[0] in sys.stdlib_module_names
