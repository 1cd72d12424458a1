"""gh-132551: BytesIO shares and unshares its buffer without a lock."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
}

shared = io.BytesIO(b"x" * 1000)
tell(object=id(shared))


def get():
    while True:
        shared.getvalue()  # op: getvalue, reads


def write():
    while True:
        shared.seek(0)  # op: seek
        shared.write(b"y" * 2000)  # op: write


def cut():
    while True:
        shared.truncate(0)  # op: truncate


run(get, write, cut)
