"""Code without symbols gives a helper of its own a NULL item of a list."""

import passed_item

EXPECT = {
    "flags": ("-s",),
    "signal": "SIGSEGV",
    "rule": "FT205",
    "confidence": "likely",
    "type": "list",
    "headline": ("item 2 of a list", "passed_item"),
    "never": ("outside Python objects",),
    "race": None,
    "known": None,
}

if __name__ == "__main__":
    rows = passed_item.make()
    passed_item.widths(rows)
