"""Augmented assignment of a global bytearray in two functions."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "bytearray",
    "known": "gh-129107",
}

shared = bytearray(b"seed")
tell(object=id(shared))


def grows():
    global shared
    while True:
        shared += b"grain" * 30  # op: +=
        shared[:] = b"seed"  # op: setitem


def looks():
    while True:
        shared.count(b"a"), shared.hex()  # op: count or hex, reads
        shared.partition(b"g")  # op: partition, reads


run(grows, looks)
