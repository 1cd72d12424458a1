"""copy.deepcopy of an element that others append to and slice."""

import copy
from xml.etree.ElementTree import Element

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-146022", "gh-145568", "gh-157090", "gh-133009"),
    "outside": {"copy.py": "deepcopy"},
}

shared = Element("page")
tell(object=id(shared))
parts = [Element("part") for _ in range(12)]


def copies():
    while True:
        copy.deepcopy(shared)  # op: deepcopy, reads


def edits():
    while True:
        shared.extend(parts)  # op: extend
        del shared[2:]  # op: del


run(copies, edits)
