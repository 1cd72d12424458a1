"""A thread is in three critical sections and sleeps: all are suspended, and nobody waits for their
mutexes.
"""

import threading
import time

from _state import know, rest, start

EXPECT = {
    "holds": {"sorter": [], "writer": []},
    "waits": {"sorter": None, "writer": None},
    "holders": {"outer": [], "middle": [], "inner": []},
    "sections": {"sorter": ["suspended", "suspended", "suspended"], "writer": []},
    "cycles": [],
    "problems": [],
    "hang": "outside Python",
}

outer, middle, inner, inside = [3, 1], [3, 1], [3, 1], threading.Event()
know(outer=outer, middle=middle, inner=inner)


def sorter():
    def sleep(item):
        inside.set()
        time.sleep(60)

    def sort(items, key):
        def call(item):
            items.sort(key=key)

        return call

    outer.sort(key=sort(middle, sort(inner, sleep)))


def writer():
    inside.wait()
    outer.append(4)
    time.sleep(60)


start(sorter)
start(writer)
rest()
