"""One decref more than there are references, and then another: a debug build notices the refcount
below zero.
"""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"debug": {}},
    "signal": "SIGABRT",
    "rule": "FT104",
    "confidence": "proven",
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

ctypes.pythonapi.Py_DecRef.argtypes = [ctypes.c_void_p]
victim = bytes(300)
address = id(victim)
tell(subject=address)
ctypes.pythonapi.Py_DecRef(address)
ctypes.pythonapi.Py_DecRef(address)  # op: decref
