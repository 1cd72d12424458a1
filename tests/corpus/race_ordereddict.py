"""gh-125996: OrderedDict's list of nodes is walked while another thread clears it."""

from collections import OrderedDict

from _truth import run, tell

EXPECT = {
    "defect": "ordereddict",
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}

shared = OrderedDict.fromkeys(range(20))
tell(object=id(shared))


def move():
    while True:
        shared.move_to_end(3)  # op: move_to_end


def fill():
    while True:
        shared.update(dict.fromkeys(range(20)))  # op: update


def clear():
    while True:
        shared.clear()  # op: clear


run(move, fill, clear)
