"""What Cython made of a ``.pyx`` file: the names of its C functions, and the comments with lines.

Before the C code of each line stands a comment with the file, the number and some lines around it
(Cython/Compiler/Code.py, ``mark_pos``)::

    /* "signal.pyx":14
     *     def at(self, int index):
     *         return self.samples[index]             # <<<<<<<<<<<<<<
"""

from __future__ import annotations

import re
from collections.abc import Sequence

FUNCTION = re.compile(r"__pyx_(pw|pf|f|fuse_\d+pw|gb)_(?=\d)")
POSITION = re.compile(r'^\s*/\* "(?P<file>[^"]+\.p(yx|xd|xi|y))":(?P<line>\d+)\s*$')
REACH = 60
"""How many lines of C may stand between a comment and the end of its line's code."""


def is_cythons(function: str | None) -> bool:
    """Whether a C function is one of a module's that Cython made.

    >>> is_cythons("__pyx_pw_13cython_memory_6Signal_3at"), is_cythons("__Pyx_INCREF")
    (True, False)
    """
    return FUNCTION.match(function or "") is not None


def python_name(function: str) -> str:
    """The name that the author gave it, with its module and class; others stay as they are.

    >>> python_name("__pyx_pw_13cython_memory_6Signal_3at")
    'cython_memory.Signal.at'
    >>> python_name("__pyx_f_13cython_memory_total"), python_name("main")
    ('cython_memory.total', 'main')
    """
    head = FUNCTION.match(function)
    if head is None:
        return function
    names: list[str] = []
    rest = function[head.end() :]
    while (part := re.match(r"_?(\d+)", rest)) is not None:
        size, after = int(part[1]), rest[part.end() :]
        if len(after) < size or (len(after) > size and after[size] != "_"):
            # The last part's number counts methods, not letters.
            return ".".join([*names, after]) if after else function
        names.append(after[:size])
        rest = after[size:]
        if not rest:
            return ".".join(names)
    return ".".join([*names, rest.removeprefix("_")])


def position(source: Sequence[tuple[int, str]], line: int) -> tuple[str, int] | None:
    """(file, line) in Cython for a line of the C code; None where no comment says it.

    ``source`` are (number, text) of lines before it.

    >>> position([(7, '  /* "signal.pyx":14'), (8, "  *  return x"), (9, "  */")], 10)
    ('signal.pyx', 14)
    """
    for number, text in reversed(source):
        found = POSITION.match(text) if number <= line else None
        if found is not None:
            return found["file"], int(found["line"])
    return None
