"""Executor.map over a function of two lines that pushes to and pops from one heap."""

import heapq
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": ("gh-135557", "gh-116738"),
}

shared = list(map(str, range(100)))
tell(object=id(shared))


def turn(number):
    for _ in range(500):
        try:
            heapq.heappush(shared, str(number))  # op: heappush
            heapq.heappop(shared)  # op: heappop
        except (IndexError, RuntimeError):
            continue


with ThreadPoolExecutor(4) as pool:
    while True:
        list(pool.map(turn, range(1000, 1400)))
