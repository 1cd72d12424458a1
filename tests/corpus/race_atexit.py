"""gh-126907: atexit's array of callbacks grows and is freed without a lock."""

import atexit

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "module",
    "known": "gh-126907",
}


def shared():
    pass


tell(object=id(atexit), also=[id(shared)])


def add():
    while True:
        atexit.register(shared)  # op: register


def drop():
    while True:
        atexit._clear()  # op: _clear


def remove():
    while True:
        atexit.unregister(shared)  # op: unregister


run(add, drop, remove)
