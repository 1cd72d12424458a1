"""A cycle of two locks that ends by itself: one of the waits has a timeout."""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"first": ["a"], "second": ["b"]},
    "waits": {"first": "b", "second": "a"},
    "holders": {"a": ["first"], "b": ["second"]},
    "cycles": [["first", "second"]],
    "problems": [("FT303", "possible")],
    "hang": "waiting",
}

a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
know(a=a, b=b)


def first():
    with a:
        both.wait()
        b.acquire(timeout=60)


def second():
    with b:
        both.wait()
        with a:
            pass


start(first)
start(second)
rest()
