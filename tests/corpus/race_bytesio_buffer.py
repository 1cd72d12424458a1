"""Views of one BytesIO are taken while it is written and cut."""

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

shared = io.BytesIO(b"0" * 100)
tell(object=id(shared))


def views():
    while True:
        with shared.getbuffer() as view:  # op: getbuffer
            view[:5].tobytes()


def writes():
    while True:
        shared.seek(0)  # op: seek
        shared.write(b"data" * 100)  # op: write


def cuts():
    while True:
        shared.truncate(5)  # op: truncate
        shared.getvalue()  # op: getvalue, reads


run(views, writes, cuts)
