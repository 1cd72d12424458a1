"""shutil.copyfileobj reads a shared BytesIO in several threads."""

import io
import shutil

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
}

shared = io.BytesIO(b"0123456789" * 3000)
tell(object=id(shared))


def copies():
    while True:
        shared.seek(0)  # op: seek
        shutil.copyfileobj(shared, io.BytesIO(), 512)  # op: copyfileobj or read


def rewrites():
    while True:
        shared.seek(0)  # op: seek
        shared.write(b"x" * 40000)  # op: write
        shared.truncate(100)  # op: truncate


run(copies, rewrites)
