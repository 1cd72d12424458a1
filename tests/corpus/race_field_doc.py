"""The documentation of a named tuple's field is written while another thread reads it."""

import collections

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_collections._tuplegetter",
    "known": None,
}

Point = collections.namedtuple("Point", "x y")
shared = Point.__dict__["x"]
tell(object=id(shared))


def documents():
    number = 0
    while True:
        number += 1
        shared.__doc__ = f"column {number}"  # op: __doc__ or setattr


def reads():
    while True:
        shared.__doc__  # op: __doc__ or getattr, reads


run(documents, reads)
