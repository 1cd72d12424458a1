"""The main thread joins a thread inside with of a lock that this thread wants."""

import threading

from _state import know, settle, start

EXPECT = {
    "holds": {"MainThread": ["a"], "worker": []},
    "waits": {"worker": "a", "MainThread": "end of a thread"},
    "holders": {"a": ["MainThread"]},
    "cycles": [["MainThread", "worker"]],
    "problems": [("FT303", "likely")],
    "hang": "deadlock",
}

a = threading.Lock()
know(a=a)


def worker():
    with a:
        pass


with a:
    thread = start(worker)
    settle()
    thread.join()
