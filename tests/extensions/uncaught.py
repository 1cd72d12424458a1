"""A C++ exception that nobody catches ends the process."""

import uncaught

EXPECT = {
    "signal": "SIGABRT",
    "rule": "FT405",
    "headline": ("parse",),
    "shows": ("parse", "std::out_of_range", "no such channel"),
    "fails": {},
}

if __name__ == "__main__":
    uncaught.scan()
