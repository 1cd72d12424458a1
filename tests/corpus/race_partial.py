"""gh-157841: partial.__setstate__ replaces what another thread's repr formats."""

import functools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "functools.partial",
    "known": "gh-157841",
}


def add(*numbers):
    return numbers


shared = functools.partial(add, 1)
tell(object=id(shared))


def again():
    while True:
        shared.__setstate__((add, (object(), object()), {}, {}))  # op: __setstate__


def show():
    while True:
        repr(shared)  # op: repr, reads


def call():
    while True:
        shared(3)  # op: call or shared, reads


run(again, show, call)
