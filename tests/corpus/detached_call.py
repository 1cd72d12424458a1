"""C code makes a list in a thread that is detached from the interpreter (ctypes.CDLL detaches
around the call).
"""

import ctypes

EXPECT = {
    "builds": {
        "release": {"signal": "SIGSEGV"},
        "debug": {"signal": "SIGABRT"},
    },
    "rule": "FT305",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

ctypes.CDLL(None).PyList_New(3)  # op: PyList_New
