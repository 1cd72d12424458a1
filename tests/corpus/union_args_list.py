"""A union whose args were overwritten by a list (ctypes)."""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {
        "release": {"signal": "SIGSEGV"},
        "debug": {"signal": "SIGABRT", "assertion": "PyTuple_Check(op)"},
    },
    "rule": "FT201",
    "confidence": "proven",
    "type": "types.UnionType",
    "liveness": "live",
    "threads": ["MainThread"],
    "known": None,
}

union = int | str | bytes
wrong = [int, str, bytes]
ctypes.c_void_p.from_address(id(union) + 32).value = id(wrong)
tell(subject=id(union), args=id(wrong))
repr(union)  # op: repr, reads
