"""gh-116738: mmap takes no lock; one thread closes or resizes what another reads."""

import mmap

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "mmap.mmap",
    "known": "gh-116738",
}

shared = mmap.mmap(-1, 1 << 16)
tell(object=id(shared))


def read():
    while True:
        shared.seek(0)  # op: seek
        shared.read(1 << 16)  # op: read, reads


def resize():
    while True:
        shared.resize(1 << 12)  # op: resize
        shared.resize(1 << 16)  # op: resize


run(read, resize)
