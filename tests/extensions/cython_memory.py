"""Cython: samples that were never reserved are read."""

import cython_memory

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT205", "FT404"),
    "shows": ("cython_memory.pyx:14",),
    "annotation": "cython_memory.pyx",
    "race": None,
    "fails": {},
}

if __name__ == "__main__":
    cython_memory.Signal().at(0)
