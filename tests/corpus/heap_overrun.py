"""A write past the end of a buffer (ctypes) into free blocks: a later allocation follows the
overwritten free list.
"""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}},
    "signal": "SIGSEGV",
    "rule": "FT105",
    "victim": True,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

drained = [bytearray(500) for _ in range(1000)]
buffer = (ctypes.c_char * 500).from_buffer(bytearray(500))
tell(block=ctypes.addressof(buffer))
ctypes.memset(ctypes.addressof(buffer), 0x41, 500 + 4096)  # op: memset
kept = [bytearray(500) for _ in range(1000)]
