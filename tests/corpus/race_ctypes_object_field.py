"""A linked list of ctypes structures: the tail is replaced while others walk it."""

import ctypes
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "Holder",
    "known": ("gh-128182", "gh-127946", None),
}


class Holder(ctypes.Structure):
    _fields_ = [("value", ctypes.py_object), ("text", ctypes.c_char_p)]


shared = Holder([1], b"x")
tell(object=id(shared))


class Writer(threading.Thread):
    def run(self):
        n = 0
        while True:
            n += 1
            shared.value = [n]  # op: setattr


class Reader(threading.Thread):
    def run(self):
        while True:
            len(shared.value)  # op: getattr, reads


[t.start() for t in (Writer(), Writer(), Reader(), Reader())]
