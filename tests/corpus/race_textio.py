"""gh-143008: TextIOWrapper is initialised again while others read."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.TextIOWrapper",
    "known": "gh-143008",
}

raw = io.BytesIO(b"line\n" * 1000)
shared = io.TextIOWrapper(raw)
tell(object=id(shared))


def again():
    while True:
        shared.__init__(raw)  # op: __init__


def read():
    while True:
        shared.seek(0)  # op: seek
        shared.readline()  # op: readline, reads


def write():
    while True:
        shared.write("more")  # op: write


run(again, read, write)
