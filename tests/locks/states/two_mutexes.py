"""A thread compares two lists (both are locked), and an item's __eq__ runs on; others want one of
them, or both.
"""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"compare": ["left", "right"], "append": [], "extend": []},
    "waits": {"compare": None, "append": "right", "extend": "left"},
    "holders": {"left": ["compare"], "right": ["compare"], "other": []},
    "sections": {"compare": ["active"], "append": ["entering"], "extend": ["entering"]},
    "cycles": [],
    "problems": [],
    "hang": "running",
}

inside = threading.Event()


class Endless:
    def __eq__(self, other):
        inside.set()
        while True:
            pass

    __hash__ = None


left, right, other = [Endless()], [Endless()], [1]
know(left=left, right=right, other=other)


def compare():
    return left == right


def append():
    inside.wait()
    right.append(4)


def extend():
    inside.wait()
    left.extend(other)


start(compare)
start(append)
start(extend)
rest()
