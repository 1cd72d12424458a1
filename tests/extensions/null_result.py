"""An attribute is missing, and the NULL that says so is used as the attribute."""

import null_result

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT205",
    "headline": ("unit_of", "PyObject_GetAttrString"),
    "never": ("outside Python objects",),
    "race": None,
    "known": None,
    "fails": {},
}


class Measure:
    value = 3


if __name__ == "__main__":
    null_result.unit_of(Measure())
