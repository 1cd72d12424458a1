"""A list's mutex is overwritten while another thread waits for it: nobody will wake that one."""

import ctypes
import threading
import time

from _state import know, rest, start

EXPECT = {
    "holds": {"append": []},
    "waits": {"append": "items"},
    "cycles": [],
    "problems": [("FT302", "proven")],
    "problem_threads": ["append"],
    "hang": "lost lock",
}

MUTEX = 10
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
start(append)
time.sleep(0.2)
ctypes.memset(id(items) + MUTEX, 0, 1)
rest()
