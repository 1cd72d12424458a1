"""gh-135410: StringIO's iterator takes no lock."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.StringIO",
    "known": ("gh-135410", "gh-153296"),
}

shared = io.StringIO("line\n" * 100)
tell(object=id(shared))


def lines():
    while True:
        shared.seek(0)  # op: seek
        shared.readlines()  # op: readlines, reads


def write():
    while True:
        shared.write("z\n" * 500)  # op: write


def cut():
    while True:
        shared.truncate(10)  # op: truncate


run(lines, write, cut)
