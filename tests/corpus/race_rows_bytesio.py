"""A call over several rows reads one BytesIO twice, while others cut it."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
}

shared = io.BytesIO(b"a line of text\n" * 100)
tell(object=id(shared))


def joined(*parts):
    return b"".join(parts)


def reads():
    while True:
        shared.seek(0)  # op: seek
        joined(
            shared.read(40),  # op: read
            shared.readline(),  # op: readline
            shared.getvalue(),  # op: getvalue, reads
        )


def cuts():
    while True:
        shared.write(  # op: write
            b"more " * 500,
        )
        shared.truncate(0)  # op: truncate


run(reads, cuts)
