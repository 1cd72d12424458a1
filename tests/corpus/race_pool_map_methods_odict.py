"""Executor.map over an OrderedDict's own methods."""

import itertools
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-151627", "gh-125996"),
    "outside": {
        "concurrent/futures/thread.py": "move_to_end or pop or setdefault or clear or OrderedDict"
    },
}

shared = OrderedDict((number, str(number)) for number in range(40))
tell(object=id(shared))
numbers = list(range(40))

with ThreadPoolExecutor(4) as pool:
    while True:
        calls = (
            pool.map(shared.setdefault, numbers, numbers),
            pool.map(shared.move_to_end, numbers),
            pool.map(shared.pop, numbers, itertools.repeat(None)),
        )
        for results in calls:
            try:
                for _ in results:
                    pass
            except KeyError:
                continue
        pool.submit(shared.clear).result()
