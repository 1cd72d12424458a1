"""A pool is handed the bound methods of one array; no worker has a line of this file."""

import array
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
    "outside": {"concurrent/futures/thread.py": "extend or clear or tolist or pop or array"},
}

shared = array.array("q", range(64))
tell(object=id(shared))
more = array.array("q", range(2000))

with ThreadPoolExecutor(4) as pool:
    while True:
        jobs = []
        for _ in range(50):
            jobs += [
                pool.submit(shared.extend, more),
                pool.submit(shared.clear),
                pool.submit(shared.tolist),
                pool.submit(shared.pop),
            ]
        for job in jobs:
            job.exception()
