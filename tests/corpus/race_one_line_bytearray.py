"""Several calls of one bytearray on one line."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "bytearray",
    "known": "gh-129107",
}

shared = bytearray(b"word " * 50)
tell(object=id(shared))


def asks():
    while True:
        shared.find(b"q"), shared.count(b"w"), shared.upper()  # op: find or count or upper, reads


def turns():
    while True:
        shared.clear(), shared.extend(b"word " * 50)  # op: clear or extend


run(asks, turns)
