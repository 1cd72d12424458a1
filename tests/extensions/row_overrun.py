"""An extension writes past the end of its row; threads beside share what CPython does not lock."""

import threading
import types

import row_overrun

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT105",
    "shows": ("floating-point number", "row_overrun"),
    "never": ("Guard the object with a lock",),
    "race": None,
    "known": None,
    "fails": {},
}


def count(state):
    while True:
        state.total = state.total + 1


if __name__ == "__main__":
    state = types.SimpleNamespace(total=0)
    for name in ("first", "second"):
        threading.Thread(target=count, args=(state,), name=name, daemon=True).start()
    while True:
        row_overrun.total(8)
        [bytearray(60) for _ in range(40)]
