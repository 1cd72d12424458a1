"""A thread made by C calls a Python function, and has no thread state."""

import c_thread

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": "FT305",
    "headline": ("worker",),
    "shows": ("worker", "no thread state"),
    "race": None,
    "fails": {},
}

if __name__ == "__main__":
    c_thread.later(lambda: None)
