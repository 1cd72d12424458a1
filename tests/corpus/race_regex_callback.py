"""re.sub calls a function that extends the bytearray that another thread empties."""

import re

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "bytearray",
    "known": "gh-129107",
}

shared = bytearray()
tell(object=id(shared))


def replace(match):
    shared.extend(match[0] * 50)  # op: extend
    return b""


def substitutes():
    while True:
        re.sub(rb"[a-z]+", replace, b"some words to look at")


def empties():
    while True:
        del shared[:100]  # op: del


run(substitutes, empties)
