"""A live bytes object that was given the type list (ctypes): list_repr() then reads its characters
as a list's array.
"""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": ("FT103", "FT206"),
    "confidence": ("proven", "likely"),
    "threads": ["MainThread"],
    "known": None,
}

confused = b"\x11\x22\x33\x44\x55" * 40
tell(subject=id(confused))
ctypes.c_void_p.from_address(id(confused) + 24).value = id(list)
repr(confused)  # op: repr, reads
