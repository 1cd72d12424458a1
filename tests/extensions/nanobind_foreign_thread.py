"""nanobind: a Python function is called in a thread that has no thread state."""

import nanobind_foreign_thread

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": ("FT305", "FT405"),
    "headline": ("notify",),
    "shows": ("fail_gil", "notify", "nanobind_foreign_thread.cpp:9"),
    "race": None,
    "fails": {},
}

if __name__ == "__main__":
    nanobind_foreign_thread.notify(lambda number: number)
