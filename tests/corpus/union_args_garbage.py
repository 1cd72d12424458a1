"""A union whose args were overwritten by a number that is no address (ctypes)."""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT201",
    "confidence": "proven",
    "type": "types.UnionType",
    "liveness": "live",
    "threads": ["MainThread"],
    "known": None,
}

union = int | str | bytes
ctypes.c_void_p.from_address(id(union) + 32).value = 0x4142434445464748
tell(subject=id(union), args="0x4142434445464748")
repr(union)  # op: repr, reads
