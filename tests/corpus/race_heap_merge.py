"""heapq.nsmallest over lists that threads push to with heapreplace."""

import heapq

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": ("gh-135557", "gh-116738"),
}

shared = [[number] for number in range(300)]
tell(object=id(shared))


def replaces():
    while True:
        heapq.heapreplace(shared, [500])  # op: heapreplace
        heapq.heappushpop(shared, [2])  # op: heappushpop


def heaps():
    while True:
        heapq.heapify(shared)  # op: heapify
        heapq._heapify_max(shared)  # op: heapify_max or heapify


run(replaces, heaps)
