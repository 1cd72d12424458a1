"""An extension keeps a pointer to an object that ends: each use of it ends the object once more.

Nothing gives up a reference too many, and what other threads share beside has no part in it.
"""

import threading
import types

import kept_pointer

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": ("FT102", "FT104"),
    "type": "Row",
    "shows": ("last_type",),
    "advice": ("kept without one",),
    "never": ("one Py_DECREF too many", "met damage that others had done"),
    "victim": False,
    "race": None,
    "known": None,
    "fails": {},
}


class Row:
    pass


def count(state):
    while True:
        state.total = state.total + 1


if __name__ == "__main__":
    state = types.SimpleNamespace(total=0)
    for name in ("first", "second"):
        threading.Thread(target=count, args=(state,), name=name, daemon=True).start()
    row = Row()
    kept_pointer.keep(row)
    del row
    while True:
        kept_pointer.last_type()
