"""A block of malloc() is given to PyMem_Free(): mimalloc takes what it never gave out."""

import malloc_to_pymem

EXPECT = {
    "signal": "SIGSEGV",
    "attempts": 5,
    "rule": "FT106",
    "headline": ("PyMem_Free", "malloc"),
    "shows": ("trimmed",),
    "never": ("FT105", "not the cause", "outside Python objects"),
    "victim": False,
    "fails": {},
}

if __name__ == "__main__":
    for _ in range(100):
        malloc_to_pymem.trimmed("  hello")
