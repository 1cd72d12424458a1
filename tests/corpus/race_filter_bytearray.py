"""filter() and map() call one bytearray's bound methods from C."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "bytearray",
    "known": "gh-129107",
}

shared = bytearray(100)
tell(object=id(shared))


def keeps():
    while True:
        list(filter(shared.append, b"some bytes to keep" * 20))  # op: append or filter or list


def extends():
    while True:
        list(map(shared.extend, [b"a longer piece" * 30] * 20))  # op: extend or map or list


def empties():
    while True:
        shared.clear()  # op: clear


run(keeps, extends, empties)
