"""__setattr__ and __delattr__ of a record lead to its array."""

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


class Record:
    def __init__(self):
        self.__dict__["values"] = array.array("h", range(90))

    def __setattr__(self, name, value):
        self.__dict__["values"].extend(value)  # op: extend

    def __delattr__(self, name):
        self.__dict__["values"].clear()  # op: clear

    def __getattr__(self, name):
        return self.__dict__["values"].index(3)  # op: index, reads


record = Record()
tell(object=id(record.__dict__["values"]))


def sets():
    while True:
        record.more = range(70)


def drops():
    while True:
        del record.more


def asks():
    while True:
        try:
            record.place
        except ValueError:
            continue


run(sets, drops, asks)
