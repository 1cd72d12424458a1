"""A native thread calls Python without PyGILState_Ensure; the module has no symbols."""

import time

import stripped_thread

EXPECT = {
    "flags": ("-g0", "-s"),
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": "FT305",
    "headline": ("in stripped_thread.cpython",),
    "advice": ("PyGILState_Ensure",),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    stripped_thread.start(print)
    time.sleep(1)
