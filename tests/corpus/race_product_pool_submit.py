"""The __next__ of one product is submitted to a pool; no worker has a line of this file."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "itertools.product",
    "known": "gh-123471",
    "outside": {"concurrent/futures/thread.py": "next"},
}

shared = itertools.product(*[range(6)] * 12)
tell(object=id(shared))

with ThreadPoolExecutor(4) as pool:
    while True:
        jobs = [pool.submit(shared.__next__) for _ in range(200)]
        jobs += [pool.submit(next, shared) for _ in range(200)]
        for job in jobs:
            job.exception()
