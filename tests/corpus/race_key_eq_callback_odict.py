"""An __eq__ of a key of another dict works on the shared OrderedDict."""

from collections import OrderedDict

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}

shared = OrderedDict((number, None) for number in range(30))
tell(object=id(shared))


class Key:
    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return 7

    def __eq__(self, other):
        shared.move_to_end(self.number, last=False)  # op: move_to_end
        return self is other


keys = [Key(number) for number in range(6)]


def compares():
    while True:
        found = {}
        for key in keys:
            found[key] = key


def renews():
    while True:
        for number in range(30):
            del shared[number]  # op: del
            shared[number] = number  # op: setitem


run(compares, renews)
