"""The exception handler and the finally clause work on the OrderedDict."""

from collections import OrderedDict

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}

shared = OrderedDict()
tell(object=id(shared))


def takes():
    while True:
        try:
            shared.popitem()  # op: popitem
        except KeyError:
            shared.update(dict.fromkeys(range(20)))  # op: update
        finally:
            shared.move_to_end(7)  # op: move_to_end


run(takes, copies=4)
