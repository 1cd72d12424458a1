"""A tuple item with one reference too few, in a loop: no C frame has the tuple, which a function's
local still names (the float as in list_item_decref).
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
    "container": "tuple",
    "threads": ["MainThread"],
    "known": None,
}


def walk(prices):
    for price in prices:
        repr(price)  # op: repr, reads


prices = tuple(float(number) for number in range(10))
tell(subject=id(prices[7]), container=id(prices), index=7)
drained = [
    float(number) for number in range(1000)
]  # the freelist is empty: the next dead float links to NULL
ctypes.pythonapi.Py_DecRef.argtypes = [ctypes.py_object]
ctypes.pythonapi.Py_DecRef(prices[7])
walk(prices)
lives()
