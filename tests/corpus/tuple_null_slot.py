"""A half-built tuple escapes (PyTuple_New through ctypes): its slots are NULL when it is hashed."""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT205",
    "confidence": "proven",
    "container": ("tuple", None),
    "threads": ["MainThread"],
    "known": None,
}

ctypes.pythonapi.PyTuple_New.restype = ctypes.py_object
half = ctypes.pythonapi.PyTuple_New(3)
tell(subject=id(half), container=id(half), index=0)
hash(half)  # op: hash
