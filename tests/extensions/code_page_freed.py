"""A function is called through a pointer into a code page that was given back."""

import code_page_freed

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT406",
    "headline": ("stale function pointer", "evaluate"),
    "shows": ("evaluate",),
    "never": ("outside Python objects",),
    "fails": {},
}

if __name__ == "__main__":
    code_page_freed.evaluate()
