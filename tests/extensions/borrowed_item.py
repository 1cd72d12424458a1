"""An extension keeps a borrowed item while another thread clears the list."""

import threading
import time

import borrowed_item

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "env": {"PYTHONMALLOC": "debug"},
    "rule": ("FT102", "FT101", "FT103"),
    "headline": ("slow_repr",),
    "shows": ("slow_repr",),
    "race": {"type": "list", "operations": ("slow_repr", "clear")},
    "fails": {},
}


class Plan:
    def __init__(self):
        self.steps = [1, 2, 3]


def clears():
    shared.append(Plan())
    filled.set()
    while not borrowed_item.holds():
        time.sleep(0.01)
    shared.clear()
    time.sleep(30)


if __name__ == "__main__":
    shared = []
    filled = threading.Event()
    threading.Thread(target=clears, name="clears", daemon=True).start()
    filled.wait()
    borrowed_item.slow_repr(shared)
