"""obj.__weakref__ is read while another thread makes and drops weak references."""

import weakref

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "Thing",
    "known": "gh-149816",
}


class Thing:
    pass


shared = Thing()
tell(object=id(shared))


def looks():
    while True:
        shared.__weakref__  # op: __weakref__, reads


def refers():
    while True:
        weakref.ref(shared, print)  # op: ref or weakref


run(looks, refers)
