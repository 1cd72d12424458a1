"""A NULL dereference behind a weak reference's proxy, whose C functions assign to their own
parameter.
"""

import ctypes
import weakref

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT404",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}


class Crashing:
    def __str__(self):
        return ctypes.string_at(0)  # op: string_at


referred = Crashing()
str(weakref.proxy(referred))
