"""A half-built list escapes (PyList_New through ctypes): repr() takes a reference to NULL."""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT205",
    "confidence": "proven",
    "container": "list",
    "threads": ["MainThread"],
    "known": ("gh-146056", "gh-132707", None),
}

ctypes.pythonapi.PyList_New.restype = ctypes.py_object
half = ctypes.pythonapi.PyList_New(3)
tell(subject=id(half), container=id(half), index=0)
repr(half)  # op: repr, reads
