"""A module that turned the GIL on reads one item too far; the other thread waits for the GIL."""

import threading

import gil_on

EXPECT = {
    "signal": "SIGSEGV",
    "env": {"PYTHON_GIL": ""},
    "rule": ("FT101", "FT205", "FT203"),
    "subject_type": None,
    "race": None,
    "shows": ("lengths", "GIL is on", "gil_on turned it on"),
    "never": ("at once", "outside Python objects"),
    "fails": {},
}


def refill():
    while True:
        shared.append("w")
        shared.pop()


if __name__ == "__main__":
    shared = ["one"] * 4
    threading.Thread(target=refill, name="refill", daemon=True).start()
    while True:
        gil_on.lengths(shared)
