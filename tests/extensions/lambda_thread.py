"""C++: a lambda makes Python objects in a thread that has no thread state."""

import lambda_thread

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": "FT305",
    "headline": ("sample",),
    "shows": ("sensors::sample", "lambda_thread.cpp:9"),
    "advice": ("attach",),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    lambda_thread.sample(print)
