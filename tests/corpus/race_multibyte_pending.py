"""Text that an encoder for JIS X 0213 keeps for later, in an encoder that threads share."""

import codecs

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("IncrementalEncoder", "encodings.euc_jis_2004.IncrementalEncoder"),
    "known": ("gh-154577", "gh-156169"),
}

shared = codecs.getincrementalencoder("euc_jis_2004")()
tell(object=id(shared))


def encodes():
    while True:
        shared.encode("\u3042\u304b")  # op: encode
        shared.encode("\u309a\u304b")  # op: encode


def resets():
    while True:
        shared.reset()  # op: reset


def saves():
    while True:
        shared.setstate(shared.getstate())  # op: setstate or getstate


run(encodes, resets, saves)
