"""A comparison function of sorted looks into the element that others cut."""

from functools import cmp_to_key
from xml.etree.ElementTree import Element

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}

shared = Element("order")
shared.extend([Element("item") for _ in range(20)])
tell(object=id(shared))
fresh = [Element("item") for _ in range(20)]


def compare(one, other):
    return len(shared[one:]) - len(shared[other:])  # op: getitem, reads


def sorts():
    while True:
        sorted(range(20), key=cmp_to_key(compare))


def cuts():
    while True:
        del shared[5:]  # op: del
        shared.extend(fresh)  # op: extend


run(sorts, cuts)
