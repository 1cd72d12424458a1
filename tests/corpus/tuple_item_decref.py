"""A tuple item with one reference too few: a bytes object whose page was given back and now holds
an array's numbers.
"""

import ctypes

from _reuse import overwrite_pages
from _truth import lives, tell

EXPECT = {
    "builds": {
        "release": {"liveness": ("reused", "freed", "interior")},
        "debug": {"liveness": ("reused", "freed", "interior")},
    },
    "signal": "SIGSEGV",
    "rule": "FT101",
    "confidence": "proven",
    "expected_type": None,
    "container": "tuple",
    "threads": ["MainThread"],
    "known": None,
}


neighbours = [bytes(280) for _ in range(4000)]
items = ("one", neighbours[2000], "three")
tell(subject=id(items[1]), container=id(items), index=1)
ctypes.pythonapi.Py_DecRef.argtypes = [ctypes.py_object]
ctypes.pythonapi.Py_DecRef(items[1])
del neighbours
overwrite_pages(320)
repr(items)  # op: repr, reads
lives()
