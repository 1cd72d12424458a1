"""An extension drops a reference that an attribute has; other threads set another attribute."""

import threading
import types

import namespace_decref

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": ("FT101", "FT102", "FT104"),
    "env": {"PYTHONMALLOC": "debug"},
    "race": None,
    "known": None,
    "fails": {},
}


class Row(dict):
    pass


def count(state):
    while True:
        state.total = state.total + 1


if __name__ == "__main__":
    state = types.SimpleNamespace(row=Row(cell=1), total=0)
    for name in ("first", "second"):
        threading.Thread(target=count, args=(state,), name=name, daemon=True).start()
    namespace_decref.inspect(state.row)
    others = [Row() for _ in range(10)]
    others.clear()
    while True:
        repr(state)
