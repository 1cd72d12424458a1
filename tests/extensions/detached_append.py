"""Objects are made and a list is appended to in a thread that has detached."""

import detached_append

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": "FT305",
    "headline": ("collect",),
    "shows": ("collect", "detached"),
    "fails": {},
}

if __name__ == "__main__":
    detached_append.collect([])
