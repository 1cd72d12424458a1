"""gh-135557: heapq takes no list lock in 3.13."""

import heapq

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": "gh-135557",
}

shared = [float(n) for n in range(100)]
tell(object=id(shared))


def push():
    while True:
        heapq.heappush(shared, 0.5 + len(shared))  # op: heappush


def pop():
    while True:
        heapq.heappop(shared)  # op: heappop


run(push, pop)
