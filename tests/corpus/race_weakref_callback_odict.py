"""Callbacks of dying weak references empty an OrderedDict that others iterate over."""

import collections
import weakref

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}


class Thing:
    pass


shared = collections.OrderedDict()
tell(object=id(shared))


def dropped(reference):
    shared.clear()  # op: clear


def makes():
    while True:
        things = [Thing() for _ in range(20)]
        for thing in things:
            shared[weakref.ref(thing, dropped)] = None  # op: store or setitem
        del thing, things


def walks():
    while True:
        list(shared)  # op: list or iterate, reads


run(makes, walks)
