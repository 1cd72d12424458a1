"""An iterator whose code stands in a header takes a reference to a NULL field of its own."""

import header_iterator

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT205",
    "headline": ("walker_next",),
    "shows": ("take_current", "header_iterator.h:6"),
    "annotation": "header_iterator.h",
    "fails": {},
}

if __name__ == "__main__":
    list(header_iterator.Walker())
