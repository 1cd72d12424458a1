"""A buffer of PyMem_Malloc is given to free(): two allocators are mixed up, and nothing is
damaged.
"""

import pymem_to_free

EXPECT = {
    "signal": ("SIGABRT", "SIGSEGV"),
    "rule": "FT106",
    "confidence": "proven",
    "headline": ("PyMem_", "free"),
    "shows": ("packet_dealloc",),
    "never": ("FT105", "not the cause", "written over", "PYTHONMALLOC"),
    "victim": False,
    "fails": {},
}

if __name__ == "__main__":
    pymem_to_free.Packet()
