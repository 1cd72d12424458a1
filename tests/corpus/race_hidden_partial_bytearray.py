"""One function runs whatever it is handed: partials of one bytearray's methods."""

import functools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "bytearray",
    "known": "gh-129107",
}

shared = bytearray(b"0123456789" * 50)
tell(object=id(shared))


def worker(job):
    def forever():
        while True:
            job()  # op: extend or clear or insert

    return forever


jobs = [
    functools.partial(shared.extend, b"more of it" * 40),
    functools.partial(shared.clear),
    functools.partial(shared.insert, 0, 65),
]
run(*map(worker, jobs))
