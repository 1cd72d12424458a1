"""A C assertion that has nothing to do with threads: PyDict_SetItem() with a NULL key (ctypes)."""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"debug": {}},
    "signal": "SIGABRT",
    "rule": "FT401",
    "assertion": "key",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

table = {}
tell(table=id(table))
ctypes.pythonapi.PyDict_SetItem(
    ctypes.py_object(table), None, ctypes.py_object(1)
)  # op: PyDict_SetItem
