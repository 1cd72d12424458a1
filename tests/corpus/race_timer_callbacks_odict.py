"""Timers' callbacks, lambdas and bound methods, all on one OrderedDict."""

import threading
from collections import OrderedDict

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}

shared = OrderedDict.fromkeys(range(60))
tell(object=id(shared))


class Ticker(threading.Thread):
    def __init__(self, *callbacks):
        super().__init__(name="ticker")
        self.callbacks = callbacks

    def run(self):
        while True:
            for callback in self.callbacks:
                try:
                    callback()  # op: clear or call
                except (KeyError, RuntimeError):
                    continue


class Cache:
    def __init__(self, entries):
        self.entries = entries

    def evict(self):
        self.entries.popitem(last=False)  # op: popitem

    def fill(self):
        for number in range(60):
            self.entries[number] = self  # op: setitem


cache = Cache(shared)
for callbacks in (
    (cache.fill, shared.clear),
    (lambda: list(shared.values()), cache.evict),  # op: list or values, reads
    (cache.fill, cache.evict),
):
    Ticker(*callbacks).start()
