"""A batched() feed of records mapped by an executor's workers."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    # Both are shared, and neither locks: it dies of the one or of the other.
    "object_type": ("itertools.batched", "itertools.cycle"),
    "known": ("gh-123471", "gh-124397", None),
}


source = itertools.cycle([{"id": n} for n in range(5)])


class Feed:
    def __init__(self):
        self.batches = itertools.batched(source, 3)

    def next_batch(self):
        return next(self.batches)  # op: next


feed = Feed()
tell(object=id(feed.batches), also=[id(source)])


def work(_):
    while True:
        sum(record["id"] for record in feed.next_batch())


with ThreadPoolExecutor(max_workers=5) as executor:
    list(executor.map(work, range(5)))
