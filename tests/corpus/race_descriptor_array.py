"""A descriptor's __get__ and __set__ work on one array behind plain attribute syntax."""

import array

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

shared = array.array("d", range(50))
tell(object=id(shared))
BLOCK = array.array("d", range(900))


class Samples:
    def __get__(self, instance, owner):
        return shared.tolist()  # op: tolist, reads

    def __set__(self, instance, value):
        shared.extend(value)  # op: extend

    def __delete__(self, instance):
        del shared[10:]  # op: del


class Meter:
    samples = Samples()


meter = Meter()


def reads():
    while True:
        meter.samples


def adds():
    while True:
        meter.samples = BLOCK


def cuts():
    while True:
        del meter.samples


run(reads, adds, cuts)
