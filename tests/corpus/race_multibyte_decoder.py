"""One incremental decoder for Shift JIS is fed by several threads."""

import codecs

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": (
        "MultibyteIncrementalDecoder",
        "_multibytecodec.MultibyteIncrementalDecoder",
        "IncrementalDecoder",
        "encodings.shift_jis.IncrementalDecoder",
    ),
    "known": ("gh-152767", "gh-154577", "gh-156169"),
}

shared = codecs.getincrementaldecoder("shift_jis")()
tell(object=id(shared))
DATA = "日本語のテキスト".encode("shift_jis") * 20


def feeds():
    while True:
        shared.decode(DATA[:5])  # op: decode
        shared.decode(DATA[5:])  # op: decode


def changes():
    while True:
        shared.errors = "ignore-" + str(len(DATA))  # op: errors or setattr
        shared.errors  # op: errors, reads
        shared.reset()  # op: reset


run(feeds, changes)
