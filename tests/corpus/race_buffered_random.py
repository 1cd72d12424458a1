"""One BufferedRandom over a BytesIO is read, written and sought by threads."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("_io.BufferedRandom", "_io.BytesIO"),
    "known": (None, "gh-132551"),
}

raw = io.BytesIO(b"q" * 1000)
shared = io.BufferedRandom(raw)
tell(object=id(shared), also=[id(raw)])


def edits():
    while True:
        shared.seek(0)  # op: seek
        shared.write(b"w" * 300)  # op: write
        shared.flush()  # op: flush


def below():
    while True:
        raw.seek(0)  # op: seek
        raw.truncate(2)  # op: truncate
        raw.write(b"r" * 5000)  # op: write


run(edits, below)
