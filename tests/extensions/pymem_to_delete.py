"""A block of PyMem_Calloc is given to C++'s delete[], by a unique_ptr."""

import pymem_to_delete

EXPECT = {
    "signal": "SIGABRT",
    "rule": "FT106",
    "confidence": "proven",
    "headline": ("PyMem_", "delete"),
    "shows": ("mean",),
    "never": ("FT105", "not the cause", "written over", "PYTHONMALLOC"),
    "victim": False,
    "fails": {},
}

if __name__ == "__main__":
    pymem_to_delete.mean([float(n) for n in range(100)])
