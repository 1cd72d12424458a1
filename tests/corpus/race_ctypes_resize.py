"""A ctypes buffer is resized while others read its bytes."""

import ctypes

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "ctypes.c_char_Array_64",
    "known": ("gh-131336", "gh-154524"),
    "known_also": ("gh-128182",),
}

shared = ctypes.create_string_buffer(64)
tell(object=id(shared))


def resizes():
    while True:
        ctypes.resize(shared, 100_000)  # op: resize
        ctypes.resize(shared, 64)  # op: resize


def reads():
    while True:
        bytes(memoryview(shared))  # op: memoryview or bytes, reads
        shared.raw  # op: raw, reads
        shared.value = b"text"  # op: value or setattr


run(resizes, reads)
