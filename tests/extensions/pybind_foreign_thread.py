"""pybind11: a Python function is called in a thread that has no thread state."""

import pybind_foreign_thread

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": "FT305",
    "headline": ("notify",),
    "shows": ("notify", "pybind_foreign_thread.cpp:10"),
    "annotation": "pybind_foreign_thread.cpp",
    "race": None,
    "fails": {},
}


def show(text):
    return len(text)


if __name__ == "__main__":
    for _ in range(100):
        pybind_foreign_thread.notify(show)
