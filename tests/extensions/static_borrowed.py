"""A borrowed pointer in a C static outlives its object."""

import static_borrowed

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT102", "FT205"),
    "headline": ("recent_label",),
    "shows": ("recent_label", "most_recent", "static_borrowed.Entry"),
    "race": None,
    "never": ("module 0x",),
    "fails": {},
}

if __name__ == "__main__":
    static_borrowed.Entry()
    print(static_borrowed.recent_label())
