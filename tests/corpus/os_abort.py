"""A plain abort()."""

import os

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGABRT",
    "rule": "FT405",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

os.abort()  # op: abort
