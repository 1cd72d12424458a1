"""A NULL dereference in native code that has nothing to do with Python's objects."""

import ctypes

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT404",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

ctypes.string_at(0)  # op: string_at
