"""A dict value with one reference too few, looked up and used: no C frame has the dict, which is an
attribute of an object (the float as in list_item_decref).
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
    "container": "dict",
    "threads": ["MainThread"],
    "known": None,
}


class Shop:
    def __init__(self):
        self.prices = {f"item {number}": float(number) for number in range(10)}

    def price(self, name):
        return self.prices[name]


shop = Shop()
tell(subject=id(shop.prices["item 7"]), container=id(shop.prices), key="item 7")
drained = [
    float(number) for number in range(1000)
]  # the freelist is empty: the next dead float links to NULL
ctypes.pythonapi.Py_DecRef.argtypes = [ctypes.py_object]
ctypes.pythonapi.Py_DecRef(shop.prices["item 7"])
price = shop.price("item 7")
repr(price)  # op: repr, reads
lives()
