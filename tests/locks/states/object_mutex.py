"""A thread sorts a list, and its key function runs on; two others want to append."""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"sorter": ["items"], "append-1": [], "append-2": []},
    "waits": {"sorter": None, "append-1": "items", "append-2": "items"},
    "holders": {"items": ["sorter"]},
    "sections": {
        "sorter": ["active"],
        "append-1": ["entering"],
        "append-2": ["entering"],
        "MainThread": [],
    },
    "cycles": [],
    "problems": [],
    "hang": "running",
}

items, inside = [3, 1, 2], threading.Event()
know(items=items)


def sorter():
    def key(item):
        inside.set()
        while True:
            pass

    items.sort(key=key)


def append():
    inside.wait()
    items.append(4)


start(sorter)
start(append, "append-1")
start(append, "append-2")
rest()
