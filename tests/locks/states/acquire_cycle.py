"""Two threads take two locks in opposite order by acquire(), which leaves no trace but the code
itself.
"""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"first": [], "second": []},
    "waits": {"first": "b", "second": "a", "other": "a"},
    "holders": {"a": ["first"], "b": ["second"], "c": []},
    "cycles": [["first", "second"]],
    "problems": [("FT303", "possible")],
    "hang": "waiting",
}

a, b, c, both = threading.Lock(), threading.Lock(), threading.Lock(), threading.Barrier(2)
know(a=a, b=b, c=c)


def first():
    a.acquire()
    try:
        both.wait()
        b.acquire()
    finally:
        a.release()


def second():
    b.acquire()
    both.wait()
    a.acquire()
    b.release()


def other():
    # It has taken and released b before.
    c.acquire()
    c.release()
    with a:
        pass


start(first)
start(second)
start(other)
rest()
