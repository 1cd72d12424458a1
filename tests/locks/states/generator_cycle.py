"""Two threads take two locks in opposite order, through context managers that are generators."""

import contextlib
import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"first": ["a"], "second": ["b"]},
    "waits": {"first": "b", "second": "a"},
    "holders": {"a": ["first"], "b": ["second"]},
    "cycles": [["first", "second"]],
    "problems": [("FT303", "likely")],
    "hang": "deadlock",
}

a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
know(a=a, b=b)


@contextlib.contextmanager
def taking(lock):
    with lock:
        yield


def first():
    with taking(a):
        both.wait()
        with taking(b):
            pass


def second():
    with taking(b):
        both.wait()
        with taking(a):
            pass


start(first)
start(second)
rest()
