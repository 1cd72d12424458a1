"""A NULL dereference in a C function that ctypes called detached, as it does: no Python object was
touched.
"""

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

ctypes.CDLL(None).strlen(None)  # op: strlen
