"""Pool threads take chunks of one itertools.chain over generators by islice."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("itertools.chain", "generator"),
    "known": ("gh-123471", "gh-120321", "gh-156351", "gh-135325"),
}


def numbers(start):
    for number in range(start, start + 50):
        yield number


shared = itertools.chain.from_iterable(map(numbers, itertools.count()))
tell(object=id(shared))


def chunk():
    for _ in range(200):
        list(itertools.islice(shared, 30))  # op: list or islice or next or iterate


with ThreadPoolExecutor(4) as pool:
    while True:
        for job in [pool.submit(chunk) for _ in range(20)]:
            job.exception()
