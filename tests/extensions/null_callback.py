"""A function pointer in an object of the extension's is NULL, and is called."""

import null_callback

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT406", "FT205"),
    "headline": ("signal_emit", "NULL"),
    "shows": ("signal_emit", "null_callback.Signal"),
    "never": ("outside Python objects",),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    null_callback.Signal().emit()
