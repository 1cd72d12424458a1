"""A write past the end of a bytes object (ctypes) into the object behind it: the block before the
victim tells of it.
"""

import ctypes
import itertools

from _truth import tell

EXPECT = {
    "builds": {"debug": {}, "release": {"env": {"PYTHONMALLOC": "debug"}}},
    "signal": "SIGSEGV",
    "rule": "FT206",
    "confidence": "proven",
    "also": "FT105",
    "expected_type": None,
    "container": ("list", None),
    "threads": ["MainThread"],
    "known": None,
}

pieces = sorted((bytes([n % 251]) * 300 for n in range(400)), key=id)
step = min(id(after) - id(before) for before, after in itertools.pairwise(pieces))
first = next(n for n in range(200, 399) if id(pieces[n + 1]) - id(pieces[n]) == step)
lst = pieces[first + 1 : first + 2]
text = id(pieces[first]) + bytes.__basicsize__ - 1
tell(subject=id(lst[0]), container=id(lst), index=0, also_subject=id(pieces[first]))
ctypes.memset(text, 0x41, id(lst[0]) + 32 - text)  # op: memset
repr(lst)  # op: repr, reads
