"""A list item with one reference too few: a float, dead on the float freelist, whose ob_type now is
the freelist's link (from 3.14 on the link is in the word before it, and repr() lives).
"""

import ctypes

from _truth import lives, tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT101",
    "confidence": "proven",
    "expected_type": None,
    "liveness": ("cached", "freed"),
    "container": "list",
    "threads": ["MainThread"],
    "known": None,
}

lst = [float(number) for number in range(10)]
tell(subject=id(lst[7]), container=id(lst), index=7)
drained = [
    float(number) for number in range(1000)
]  # the freelist is empty: the next dead float links to NULL
ctypes.pythonapi.Py_DecRef.argtypes = [ctypes.py_object]
ctypes.pythonapi.Py_DecRef(lst[7])
repr(lst)  # op: repr, reads
lives()
