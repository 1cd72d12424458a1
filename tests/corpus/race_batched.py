"""A batched() feed of records mapped by an executor's workers."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "itertools.batched",
    "known": ("gh-123471", "gh-124397", None),
}


class Feed:
    def __init__(self):
        self.batches = itertools.batched(itertools.cycle([{"id": n} for n in range(5)]), 3)

    def next_batch(self):
        return next(self.batches)  # op: next


feed = Feed()
tell(object=id(feed.batches))


def work(_):
    while True:
        sum(record["id"] for record in feed.next_batch())


with ThreadPoolExecutor(max_workers=5) as executor:
    list(executor.map(work, range(5)))
