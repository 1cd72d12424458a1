"""Branches of one tee are read to their ends in a pool."""

import itertools
from concurrent.futures import ThreadPoolExecutor

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("itertools._tee", "itertools._tee_dataobject"),
    "known": "gh-153062",
}


def read(branch):
    try:
        return sum(branch)  # op: sum or next or iterate
    except RuntimeError:
        return None


with ThreadPoolExecutor(4) as pool:
    while True:
        branches = itertools.tee(iter(range(3000)), 4)
        list(pool.map(read, branches))
