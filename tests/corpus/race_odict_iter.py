"""gh-151627: OrderedDict's iterator reads its first node while another thread clears it."""

from collections import OrderedDict

from _truth import run, tell

EXPECT = {
    "defect": "ordereddict",
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-151627", "gh-125996"),
}

shared = OrderedDict.fromkeys(range(20))
tell(object=id(shared))


def read():
    while True:
        list(shared)  # op: iter or list, reads


def fill():
    while True:
        shared.update(dict.fromkeys(range(20)))  # op: update


def clear():
    while True:
        shared.clear()  # op: clear


run(read, fill, clear)
