"""A pool is handed the bound __next__ of one csv reader, and list() over slices of it."""

import csv
import itertools
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_csv.reader",
    "known": "gh-141365",
    "outside": {"concurrent/futures/thread.py": "next or list"},
}

shared = csv.reader(itertools.cycle(["a,b,c", '"long field ", ' * 200]))
tell(object=id(shared))

with ThreadPoolExecutor(4) as pool:
    while True:
        jobs = [pool.submit(shared.__next__) for _ in range(100)]
        jobs += [pool.submit(list, itertools.islice(shared, 40)) for _ in range(20)]
        for job in jobs:
            job.exception()
