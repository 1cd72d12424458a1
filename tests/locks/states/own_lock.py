"""A thread waits for a threading.Lock that it has itself."""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"only": ["a"]},
    "waits": {"only": "a"},
    "holders": {"a": ["only"]},
    "cycles": [["only"]],
    "problems": [("FT303", "likely")],
    "hang": "deadlock",
}

a = threading.Lock()
know(a=a)


def inner():
    with a:
        pass


def only():
    with a:
        inner()


start(only)
rest()
