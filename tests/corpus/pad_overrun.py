"""A write past the end of a buffer (ctypes): the debug hooks find their trailing pad overwritten
when it is freed.
"""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"debug": {}, "release": {"env": {"PYTHONMALLOC": "debug"}}},
    "signal": "SIGABRT",
    "rule": "FT105",
    "confidence": "proven",
    "fatal_error": "bad trailing pad byte",
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

buffer = bytearray(500)
address = ctypes.addressof((ctypes.c_char * 500).from_buffer(buffer))
tell(block=address)
ctypes.memset(address + 500, 0x41, 10)  # the array's last byte and nine of the pad
del buffer  # op: free
