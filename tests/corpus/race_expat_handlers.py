"""Handlers of one expat parser are replaced while it parses."""

import xml.parsers.expat

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "pyexpat.xmlparser",
    "known": None,
    "known_also": ("gh-157095",),
}

shared = xml.parsers.expat.ParserCreate()
tell(object=id(shared))
shared.Parse("<log>")


def parses():
    while True:
        shared.Parse("<entry level='3'>text</entry>" * 20)  # op: Parse


def replaces():
    while True:
        shared.StartElementHandler = lambda name, attributes: (
            None
        )  # op: StartElementHandler or setattr
        shared.CharacterDataHandler = lambda text: None  # op: CharacterDataHandler or setattr


run(parses, replaces)
