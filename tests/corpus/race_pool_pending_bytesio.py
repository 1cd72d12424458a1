"""Two workers, and a long queue of a BytesIO's own methods: most calls wait in the pool."""

import io
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
    "outside": {"concurrent/futures/thread.py": "getvalue or write or truncate or seek or BytesIO"},
}

shared = io.BytesIO(bytes(4000))
tell(object=id(shared))
block = bytes(6000)

with ThreadPoolExecutor(2) as pool:
    while True:
        jobs = []
        for _ in range(300):
            jobs.append(pool.submit(shared.getvalue))
            jobs.append(pool.submit(shared.write, block))
            jobs.append(pool.submit(shared.truncate, 10))
            jobs.append(pool.submit(shared.seek, 0))
        jobs[-1].result()
