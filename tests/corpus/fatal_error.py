"""A fatal Python error raised on purpose."""

import ctypes

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGABRT",
    "rule": "FT402",
    "fatal_error": "the lab says so",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

ctypes.pythonapi.Py_FatalError(b"the lab says so")  # op: Py_FatalError
