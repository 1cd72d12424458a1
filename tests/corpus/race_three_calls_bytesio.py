"""Three calls in one expression, and a chained one."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
}

shared = io.BytesIO(b"0123456789" * 400)
tell(object=id(shared))


def joins():
    while True:
        shared.getvalue()[:4] + shared.read(200) + shared.readline()  # op: getvalue or read


def rewrites():
    while True:
        shared.seek(0) or shared.write(b"x" * 9000)  # op: seek or write
        shared.truncate(9)  # op: truncate


run(joins, rewrites)
