"""A subclass of array whose methods go on to super()."""

import array

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("Track", "array.array"),
    "known": ("gh-128942", "gh-146007"),
}


class Track(array.array):
    def __getitem__(self, key):
        return super().__getitem__(key)  # op: getitem, reads

    def append(self, value):
        super().append(value)  # op: append
        if len(self) > 200:
            self.trim()

    def trim(self):
        super().__delitem__(slice(3, None))  # op: delitem


shared = Track("i", range(100))
tell(object=id(shared))


def looks():
    while True:
        shared[1] + shared[-1]


def records():
    while True:
        for number in range(100):
            shared.append(number)


run(looks, records)
