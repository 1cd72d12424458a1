"""next() on iterators of generic aliases is submitted to a pool."""

from concurrent.futures import ThreadPoolExecutor

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("generic_alias_iterator", "types.GenericAlias"),
    "known": "gh-154043",
    "outside": {"concurrent/futures/thread.py": "next"},
}

with ThreadPoolExecutor(4) as pool:
    while True:
        shared = [iter(list[int]) for _ in range(50)]
        jobs = [pool.submit(next, one, None) for one in shared for _ in range(4)]
        for job in jobs:
            job.exception()
