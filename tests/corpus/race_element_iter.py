"""One tree is walked by iter() and itertext() while it is pruned."""

from xml.etree.ElementTree import Element, SubElement

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-146022", "gh-145568", "gh-157090"),
}

shared = Element("library")
tell(object=id(shared))


def walks():
    while True:
        for leaf in shared.iter("book"):  # op: for or iterate or next, reads
            leaf.tag
        list(shared.itertext())  # op: list or itertext or iterate, reads


def prunes():
    while True:
        shared.clear()  # op: clear
        for _ in range(10):
            SubElement(shared, "book").text = "a title"  # op: SubElement or subelement


run(walks, prunes)
