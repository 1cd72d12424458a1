"""A block of PyMem_Malloc is given to PyObject_Free, with the debug hooks on."""

import pymem_to_object_free

EXPECT = {
    "signal": "SIGABRT",
    "env": {"PYTHONMALLOC": "debug"},
    "rule": "FT106",
    "confidence": "proven",
    "headline": ("PyMem_", "PyObject_Free"),
    "shows": ("scratch",),
    "never": ("FT105", "not the cause"),
    "victim": False,
    "fails": {},
}

if __name__ == "__main__":
    pymem_to_object_free.scratch()
