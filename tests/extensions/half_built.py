"""A NULL result is passed on beside a tuple that is not filled yet; another thread changes the
dict that had nothing by that name.
"""

import threading

import half_built

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT205", "FT404"),
    "headline": ("PyUnicode_GetLength",),
    "race": None,
    "known": None,
    "fails": {},
}


def count(units):
    number = 0
    while True:
        number += 1
        units[number % 50] = number
        units.pop((number + 7) % 50, None)


if __name__ == "__main__":
    units = {}
    threading.Thread(target=count, args=(units,), name="counter", daemon=True).start()
    half_built.describe(units)
