"""Attributes of one element are set by some and read by others."""

from xml.etree.ElementTree import Element

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-149816", "gh-146022", "gh-145568", "gh-157090"),
}


class Page:
    root = Element("page")


def reads():
    while True:
        dict(Page.root.attrib)  # op: getattr or attrib
        Page.root.get("lang")  # op: get, reads
        Page.root.items()  # op: items, reads


def writes():
    while True:
        Page.root.set("lang", "en" * 20)  # op: set
        Page.root.clear()  # op: clear


run(reads, writes, copies=3)
