"""A subclass of array.array whose methods call the base's."""

import array

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "Samples",
    "known": ("gh-128942", "gh-146007"),
}


class Samples(array.array):
    def add(self, values):
        super().extend(values)  # op: extend

    def all(self):
        return super().tolist()  # op: tolist, reads

    def forget(self):
        super().__delitem__(slice(5, None))  # op: del


shared = Samples("l", range(100))
tell(object=id(shared))
block = array.array("l", range(500))


def adds():
    while True:
        shared.add(block)


def looks():
    while True:
        shared.all()


def cuts():
    while True:
        shared.forget()


run(adds, looks, cuts)
