"""Py_TYPE(NULL) in an extension that has neither symbols nor debug information."""

import stripped_item

EXPECT = {
    "flags": ("-s",),
    "signal": "SIGSEGV",
    "rule": ("FT205", "FT203", "FT101"),
    "shows": ("ob_type", "stripped_item"),
    "never": ("outside Python objects",),
    "fails": {},
}

if __name__ == "__main__":
    stack = []
    for _ in range(6):
        stack.append("plate")
    stripped_item.kind_of_next(stack)
