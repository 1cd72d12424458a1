"""Two threads take two pthread mutexes in opposite order, as C code of an extension might."""

import ctypes
import threading

from _state import rest, start

EXPECT = {
    "holds": {},
    "waits": {"first": "native lock", "second": "native lock"},
    "blockers": {"first": ["second"], "second": ["first"]},
    "cycles": [["first", "second"]],
    "problems": [("FT303", "likely")],
    "hang": "deadlock",
}

libc = ctypes.CDLL(None)
a, b = ctypes.create_string_buffer(40), ctypes.create_string_buffer(40)
both = threading.Barrier(2)


def first():
    libc.pthread_mutex_lock(a)
    both.wait()
    libc.pthread_mutex_lock(b)


def second():
    libc.pthread_mutex_lock(b)
    both.wait()
    libc.pthread_mutex_lock(a)


start(first)
start(second)
rest()
