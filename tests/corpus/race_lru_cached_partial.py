"""A cached function gives the partial that a thread sets the state of."""

import functools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "functools.partial",
    "known": ("gh-157841", "gh-143880"),
}


@functools.cache
def job(name):
    return functools.partial(dict, a=1, **{name: 2})


tell(object=id(job("b")))


def calls():
    while True:
        job("b")(c=3)  # op: call or job or partial or function, reads


def sets():
    while True:
        job("b").__setstate__((dict, (), {"a": [1], "x": [2]}, {}))  # op: setstate


run(calls, sets)
