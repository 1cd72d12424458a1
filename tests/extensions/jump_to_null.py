"""A function that was called through a pointer ends in a call through NULL, and leaves no frame."""

import jump_to_null

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT406",
    "confidence": "likely",
    "headline": ("a function that signal_fire called", "NULL"),
    "never": ("signal_fire calls a NULL",),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    jump_to_null.Signal().fire()
