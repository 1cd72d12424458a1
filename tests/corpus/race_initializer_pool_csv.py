"""A pool's tasks are methods of a dataclass that has one csv reader."""

import csv
import itertools
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_csv.reader",
    "known": "gh-141365",
}


def lines():
    return itertools.repeat('one,"two,three",four')


@dataclass
class Table:
    source: Any = field(default_factory=lambda: csv.reader(lines()))

    def take(self, count):
        return [row for row, _ in zip(self.source, range(count))]  # op: zip or next

    def first(self):
        return next(iter(self.source))  # op: next or iter


table = Table()
tell(object=id(table.source))
with ThreadPoolExecutor(4) as pool:
    while True:
        wait(
            [pool.submit(table.take, 40) for _ in range(20)]
            + [pool.submit(table.first) for _ in range(20)]
        )
