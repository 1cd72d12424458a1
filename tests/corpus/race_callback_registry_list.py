"""Listeners kept in a list that a C function walks while they are removed."""

import heapq

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": ("gh-135557", "gh-116738"),
}

shared = [(number, str(number)) for number in range(30)]
tell(object=id(shared))


def pushes():
    while True:
        heapq.heappushpop(shared, (5, "five"))  # op: heappushpop
        heapq.heapreplace(shared, (9, "nine"))  # op: heapreplace


def orders():
    while True:
        heapq.heapify(shared)  # op: heapify
        shared.clear()  # op: clear
        shared.extend((number, "again") for number in range(30))  # op: extend


run(pushes, orders)
