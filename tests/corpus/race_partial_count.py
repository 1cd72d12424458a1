"""One loop function runs repr() or next() of one big counter."""

import functools
import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "itertools.count",
    "known": ("gh-153981", "gh-153908", "gh-123471"),
}

shared = itertools.count(10**24)
tell(object=id(shared))


def worker(action):
    def forever():
        while True:
            action()  # op: repr or next or str

    return forever


run(*map(worker, [functools.partial(repr, shared), functools.partial(next, shared)]), copies=3)
