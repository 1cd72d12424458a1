"""C++: a thread that was not joined is destroyed."""

import joinable_thread

EXPECT = {
    "signal": "SIGABRT",
    "rule": "FT405",
    "headline": ("start",),
    "shows": ("start", "joinable_thread.cpp", "std::terminate"),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    joinable_thread.start()
