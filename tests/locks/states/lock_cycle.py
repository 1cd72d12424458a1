"""Two threads take two threading.Locks in opposite order."""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"first": ["a"], "second": ["b"], "MainThread": []},
    "waits": {"first": "b", "second": "a", "MainThread": None},
    "holders": {"a": ["first"], "b": ["second"]},
    "cycles": [["first", "second"]],
    "problems": [("FT303", "likely")],
    "hang": "deadlock",
}

a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
know(a=a, b=b)


def first():
    with a:
        both.wait()
        with b:
            pass


def second():
    with b:
        both.wait()
        with a:
            pass


start(first)
start(second)
rest(1)
