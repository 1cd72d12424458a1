"""gh-116738: a pattern's scanner keeps its state without a lock."""

import re

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_sre.SRE_Scanner",
    "known": "gh-116738",
}

text = "word " * 100000
shared = re.compile(r"(\w)+").scanner(text)
tell(object=id(shared))


def search():
    while True:
        shared.search()  # op: search


def match():
    while True:
        shared.match()  # op: match


run(search, match)
