"""gh-150695: StringIO.__init__ resets the buffer without the lock."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.StringIO",
    "known": "gh-150695",
}

shared = io.StringIO("x" * 1000)
tell(object=id(shared))


def again():
    while True:
        shared.__init__("y" * 2000)  # op: __init__


def cut():
    while True:
        shared.truncate(10)  # op: truncate


def write():
    while True:
        shared.write("z" * 500)  # op: write


run(again, cut, write)
