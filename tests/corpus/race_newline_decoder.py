"""A decoder for newlines is shared by threads that decode and threads that reset it."""

import codecs
import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("_io.IncrementalNewlineDecoder",),
    "known": ("gh-144777", None),
}

shared = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), translate=True)
tell(object=id(shared))


def decodes():
    while True:
        shared.decode(b"one\r\ntwo\r")  # op: decode


def again():
    while True:
        shared.__init__(codecs.getincrementaldecoder("latin-1")(), translate=False)  # op: init


run(decodes, again)
