"""Whose code a mapped file is: the system's, an extension module's of Python's own standard
library, or another's.
"""

from __future__ import annotations

import os
import re
import sys

SYSTEM = re.compile(
    r"(lib(c|m|pthread|dl|gcc_s|stdc\+\+|c\+\+|python[\w.]*)(?!\w)|ld-|linux-vdso|\[vdso\]|$)"
)
"""Names of libraries that any process may have, and Python's own; the empty name is a place in no
file.
"""
C_LIBRARY = re.compile(r"libc([.-]|$)")


def is_system(path: str | None) -> bool:
    """Whether a mapped file is a library of the system or Python's own, or there is none.

    >>> is_system("/lib/x86_64-linux-gnu/libc.so.6"), is_system("/usr/lib/libpython3.13t.so.1.0")
    (True, True)
    >>> is_system("/srv/libcache.so")
    False
    """
    return bool(SYSTEM.match(os.path.basename(path or "")))


def is_c_library(path: str | None) -> bool:
    """Whether a mapped file is the C library.

    >>> is_c_library("/lib/x86_64-linux-gnu/libc.so.6"), is_c_library("/usr/lib/libcache.so")
    (True, False)
    """
    return bool(C_LIBRARY.match(os.path.basename(path or "")))


def is_standard(path: str | None) -> bool:
    """Whether a mapped file is one, by the name of its module.

    >>> is_standard("/usr/lib/python3.13/lib-dynload/array.cpython-313t-x86_64-linux-gnu.so")
    True
    """
    return os.path.basename(path or "").split(".")[0] in sys.stdlib_module_names


def is_others_type(name: str) -> bool:
    """Whether a type, by its ``tp_name``, is of a module that is not Python's own.

    >>> is_others_type("fastvec.Vector"), is_others_type("mmap.mmap"), is_others_type("bytearray")
    (True, False, False)
    """
    module, _, rest = name.partition(".")
    return bool(rest) and module not in sys.stdlib_module_names


def is_others(path: str | None, interpreter: str | None) -> bool:
    """Whether a mapped file is neither Python's nor the system's: an extension module, or a library
    that one uses.

    >>> is_others("/srv/app/fastvec.so", "/usr/bin/python3.13t")
    True
    """
    return path != interpreter and not is_system(path) and not is_standard(path)
