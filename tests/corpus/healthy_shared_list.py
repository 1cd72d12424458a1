"""Threads append, pop, index and repr one list without a lock: list locks itself."""

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}

shared = list(range(100))


def grow():
    while True:
        shared.append([len(shared)])
        if len(shared) > 1000:
            shared.clear()


def shrink():
    while True:
        shared.pop()


def show():
    while True:
        repr(shared[:20])


run(grow, shrink, show)
