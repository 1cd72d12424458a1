"""gh-146022: ElementTree's C Element frees its children array under a reader."""

import xml.etree.ElementTree as ElementTree

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-146022", "gh-145568", "gh-157090"),
}

shared = ElementTree.Element("root")
children = [ElementTree.Element("child") for _ in range(10)]
tell(object=id(shared))


def read():
    while True:
        shared[0]  # op: getitem, reads


def fill():
    while True:
        shared.extend(children)  # op: extend


def clear():
    while True:
        shared.clear()  # op: clear


run(read, fill, clear)
