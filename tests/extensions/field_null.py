"""A NULL field of the extension's own struct is dereferenced: the object is the handle."""

import field_null

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT205",
    "type": "field_null.Handle",
    "headline": ("handle_send",),
    "shows": ("handle_send", "field_null.Handle"),
    "never": ("outside Python objects",),
    "fails": {},
}

if __name__ == "__main__":
    field_null.Handle().send()
