"""An OrderedDict reached through star arguments of a generic caller."""

import collections

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}

shared = collections.OrderedDict((number, str(number)) for number in range(40))
tell(object=id(shared))


def apply(function, /, *args, **kwargs):
    try:
        return function(*args, **kwargs)  # op: popitem or move_to_end or setdefault
    except KeyError:
        return None


def takes():
    arguments = (shared,)
    while True:
        apply(collections.OrderedDict.popitem, *arguments, last=False)


def moves():
    keywords = {"last": True}
    while True:
        for number in range(40):
            apply(shared.setdefault, *(number, "text"))
            apply(shared.move_to_end, number, **keywords)


run(takes, moves)
