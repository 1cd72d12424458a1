"""The second argument is read of a call that has one."""

import tuple_overread

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT", "SIGBUS"),
    "rule": ("FT205", "FT101", "FT203", "FT206"),
    "headline": ("scaled",),
    "shows": ("scaled", "tuple"),
    "never": ("outside Python objects",),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    for number in range(1000):
        tuple_overread.scaled(number)
