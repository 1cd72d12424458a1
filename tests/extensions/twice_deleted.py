"""C++: one object is owned by two unique_ptr, and deleted twice."""

import twice_deleted

EXPECT = {
    "signal": ("SIGABRT", "SIGSEGV"),
    "rule": ("FT104", "FT102"),
    "victim": False,
    "headline": ("Model",),
    "shows": ("copy_model", "twice_deleted.cpp"),
    "never": ("PYTHONMALLOC", "outside Python objects"),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    twice_deleted.copy_model()
