"""Two threads that each hold a lock and try the other's again and again."""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"first": ["a"], "second": ["b"], "MainThread": []},
    "waits": {"MainThread": None},
    "holders": {"a": ["first"], "b": ["second"]},
    "cycles": [],
    "problems": [],
    "hang": "livelock",
}

a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(3)
know(a=a, b=b)


def first():
    with a:
        both.wait()
        while not b.acquire(blocking=False):
            pass


def second():
    with b:
        both.wait()
        while not a.acquire(timeout=0):
            pass


start(first)
start(second)
both.wait()
rest()
