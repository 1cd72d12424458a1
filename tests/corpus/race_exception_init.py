"""gh-127192: an exception's args are replaced by __init__ while others use them."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "ValueError",
    "known": "gh-127192",
}

shared = ValueError("first", object())
tell(object=id(shared))


def again():
    while True:
        shared.__init__("next", object())  # op: __init__


def show():
    while True:
        repr(shared)  # op: repr, reads


def state():
    while True:
        str(shared)  # op: str, reads


run(again, show, state)
