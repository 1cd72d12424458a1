"""CPython's own check of an object: one that the garbage collector already tracks is tracked again
(ctypes).
"""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGABRT",
    "rule": "FT402",
    "fatal_error": "object already tracked by the garbage collector",
    "threads": ["MainThread"],
    "known": None,
}

tracked = [1]
tell(tracked=id(tracked))
ctypes.pythonapi.PyObject_GC_Track(ctypes.py_object(tracked))  # op: PyObject_GC_Track
