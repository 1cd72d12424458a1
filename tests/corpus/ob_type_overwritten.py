"""A live list item whose ob_type was overwritten by a number (ctypes); nothing was freed."""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT206",
    "confidence": "proven",
    "expected_type": None,
    "container": ("list", None),
    "threads": ["MainThread"],
    "known": None,
}

lst = [b"one", bytes(100), b"three"]
tell(subject=id(lst[1]), container=id(lst), index=1)
ctypes.c_void_p.from_address(id(lst[1]) + 24).value = 0x5EED
repr(lst)  # op: repr, reads
