"""A NULL dereference in a finaliser while a union's args are deallocated: the union is no longer
whole, as it should be.
"""

import ctypes
import types

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT404",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}


class Last:
    def __del__(self):
        ctypes.string_at(0)  # op: string_at


union = types.GenericAlias(list, (Last(),)) | int
union = None
