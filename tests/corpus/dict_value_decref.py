"""A dict value with one reference too few: a str whose page was given back and now holds an array's
numbers.
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
    "container": "dict",
    "threads": ["MainThread"],
    "known": None,
}

neighbours = [f"{number:0300}" for number in range(4000)]
table = {"first": "1", "second": neighbours[2000], "third": "3"}
tell(subject=id(table["second"]), container=id(table), key="second")
ctypes.pythonapi.Py_DecRef.argtypes = [ctypes.py_object]
ctypes.pythonapi.Py_DecRef(table["second"])
del neighbours
overwrite_pages(384)
repr(table)  # op: repr, reads
lives()
