"""Closures three levels deep call a partial that others set the state of."""

import functools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "functools.partial",
    "known": ("gh-157841", "gh-143880"),
}

shared = functools.partial(max, 3, key=abs)
tell(object=id(shared))


def maker(function):
    def middle(value):
        def inner(*more):
            return function(value, *more)  # op: call or function or partial, reads

        return inner

    return middle


def calls():
    ask = maker(shared)
    while True:
        ask(4)(5, 6)


def renews():
    while True:
        shared.__setstate__((max, (1, 2), {"key": abs}, {}))  # op: setstate


def shows():
    while True:
        repr(shared)  # op: repr, reads
        f"{shared.args} {shared.keywords}"  # op: args or keywords or getattr, reads


run(calls, renews, shows)
