"""Two threads take two threading.RLocks in opposite order, one of them twice, one without a with
statement.
"""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"first": ["a"], "MainThread": []},
    "waits": {"first": "b", "second": "a", "MainThread": None},
    "holders": {"a": ["first"], "b": ["second"]},
    "cycles": [["first", "second"]],
    "problems": [("FT303", "proven")],
    "hang": "deadlock",
}

a, b, both = threading.RLock(), threading.RLock(), threading.Barrier(2)
know(a=a, b=b)


def first():
    with a, a:
        both.wait()
        with b:
            pass


def second():
    b.acquire()
    both.wait()
    a.acquire()


start(first)
start(second)
rest()
