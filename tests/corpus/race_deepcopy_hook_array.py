"""Nodes of a graph log each deep copy of them."""

import array
import copy

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

log = array.array("q")
tell(object=id(log))


class Node:
    def __deepcopy__(self, memo):
        log.append(7)  # op: append
        if len(log) > 40:  # op: len, reads
            del log[:]  # op: delitem
        return self


graph = {"left": [Node(), Node()], "right": (Node(),)}


def worker():
    while True:
        copy.deepcopy(graph)


run(worker, copies=3)
