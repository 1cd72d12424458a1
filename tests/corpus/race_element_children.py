"""An element is measured and listed while it is emptied and filled again."""

from xml.etree.ElementTree import Element, SubElement

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-149816", "gh-157090"),
}

shared = Element("shop")
tell(object=id(shared))


def looks():
    while True:
        len(shared)  # op: len, reads
        for child in list(shared):  # op: list or iterate, reads
            child.tail


def remodels():
    while True:
        shared.clear()  # op: clear
        for _ in range(4):
            SubElement(shared, "new").tail = "u"  # op: SubElement or subelement


run(looks, remodels)
