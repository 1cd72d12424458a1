"""A subclass of functools.partial with its state replaced while it is called."""

import functools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "Job",
    "known": ("gh-157841", "gh-143880"),
}


class Job(functools.partial):
    pass


def work(*values, **named):
    return len(values)


shared = Job(work, "a")
tell(object=id(shared))


def calls():
    while True:
        shared("b", key="c")  # op: call or shared, reads


def replaces():
    while True:
        shared.__setstate__((work, ([1], [2]), {"x": object()}, {}))  # op: __setstate__


run(calls, replaces)
