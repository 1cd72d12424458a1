"""A NULL dereference in a finaliser, deep inside the deallocation of containers that are dead by
then as they should be.
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


class Last:
    def __del__(self):
        ctypes.string_at(0)  # op: string_at


chain = Last()
for _ in range(500):
    chain = [chain]
chain = None
