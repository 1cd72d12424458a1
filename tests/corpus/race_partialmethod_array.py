"""partialmethod and singledispatch lead to one array."""

import array
from functools import partialmethod, singledispatchmethod

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}


class Log:
    def __init__(self):
        self.values = array.array("h", range(64))

    def _change(self, by, *, cut):
        self.values.extend([by] * 50)  # op: extend
        del self.values[cut:]  # op: del

    shorten = partialmethod(_change, 1, cut=4)

    @singledispatchmethod
    def find(self, what):
        raise TypeError(what)

    @find.register
    def _(self, what: int):
        return self.values.count(what)  # op: count, reads

    @find.register
    def _(self, what: str):
        return bytes(self.values)  # op: bytes, reads


log = Log()
tell(object=id(log.values))


def shortens():
    while True:
        log.shorten()


def finds():
    while True:
        log.find(77)
        log.find("all")


run(shortens, finds)
