"""Items that count their comparisons are sorted by several threads."""

import array

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

log = array.array("q")
tell(object=id(log))


class Item:
    def __init__(self, value):
        self.value = value

    def __lt__(self, other):
        log.append(7)  # op: append
        if len(log) > 40:  # op: len, reads
            del log[:]  # op: delitem
        return self.value < other.value


items = [Item(n * 7 % 31) for n in range(31)]


def worker():
    while True:
        sorted(items)


run(worker, copies=3)
