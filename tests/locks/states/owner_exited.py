"""A thread ends with an RLock that it never released; another waits for it."""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"second": []},
    "waits": {"second": "a"},
    "holders": {"a": [None]},
    "cycles": [],
    "problems": [("FT302", "proven")],
    "problem_threads": ["second"],
    "hang": "lost lock",
}

a, ended = threading.RLock(), threading.Event()
know(a=a)


def first():
    a.acquire()


def second():
    ended.wait()
    a.acquire()


start(second)
start(first).join()
ended.set()
rest()
