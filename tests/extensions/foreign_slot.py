"""An extension's type has list's repr in its own slot, and is not a list: nothing was freed."""

import foreign_slot

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT206",
    "confidence": "likely",
    "type": "foreign_slot.Counts",
    "shows": ("as its tp_repr",),
    "never": ("reused as another type", "use after free"),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    counts = foreign_slot.Counts()
    counts.add()
    repr(counts)
