"""The same block freed twice: mimalloc hands it out twice, and follows an object's first word as
the next free block.
"""

import ctypes

from _truth import tell

EXPECT = {
    "builds": {"release": {}},
    "signal": "SIGSEGV",
    "rule": ("FT105", "FT104"),
    "victim": True,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

ctypes.pythonapi.PyMem_Malloc.restype = ctypes.c_void_p
ctypes.pythonapi.PyMem_Malloc.argtypes = [ctypes.c_size_t]
ctypes.pythonapi.PyMem_Free.argtypes = [ctypes.c_void_p]
drained = [bytearray(500) for _ in range(1000)]
block = ctypes.pythonapi.PyMem_Malloc(500)
tell(block=block)
ctypes.pythonapi.PyMem_Free(block)
ctypes.pythonapi.PyMem_Free(block)  # op: free
kept = [bytearray(b"\x21\x43\x65\x07" * 125) for _ in range(1000)]
