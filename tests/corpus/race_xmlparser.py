"""gh-157095: several threads feed one XMLParser."""

import xml.etree.ElementTree as ElementTree

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.XMLParser",
    "known": "gh-157095",
}

shared = ElementTree.XMLParser()
shared.feed("<root>")
tell(object=id(shared))


def feed():
    while True:
        shared.feed('<a b="c">text</a>')  # op: feed


run(feed, copies=4)
