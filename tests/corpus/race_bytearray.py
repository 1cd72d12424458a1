"""gh-129107: bytearray resizes its buffer without any lock in 3.13."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "bytearray",
    "known": "gh-129107",
}

shared = bytearray(b"x" * 100)
tell(object=id(shared))


def grow():
    while True:
        shared.append(1)  # op: append


def shrink():
    while True:
        shared.pop(0)  # op: pop


def clear():
    while True:
        shared.clear()  # op: clear


run(grow, shrink, clear)
