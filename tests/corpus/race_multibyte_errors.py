"""The error handler of one incremental encoder is set by all threads."""

import codecs

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("IncrementalEncoder", "encodings.gb18030.IncrementalEncoder"),
    "known": ("gh-152767", "gh-156169"),
}

shared = codecs.getincrementalencoder("gb18030")()
tell(object=id(shared))


def names():
    number = 0
    while True:
        number += 1
        shared.errors = f"handler{number}"  # op: errors or setattr


def asks():
    while True:
        shared.errors.upper()  # op: errors, reads


run(names, asks)
