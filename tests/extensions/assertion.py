"""An assertion of the extension's own code fails."""

import assertion

EXPECT = {
    "signal": "SIGABRT",
    "rule": "FT401",
    "confidence": "proven",
    "headline": ("half", "value % 2 == 0"),
    "annotation": "assertion.c",
    "fails": {},
}

if __name__ == "__main__":
    assertion.half(7)
