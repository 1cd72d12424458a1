"""A with statement hands out the shared element, and its exit empties it."""

from xml.etree.ElementTree import Element, SubElement

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}

shared = Element("root")
for _ in range(8):
    SubElement(shared, "leaf", key="value")
tell(object=id(shared))


class Editing:
    def __init__(self, tree):
        self.tree = tree

    def __enter__(self):
        return self.tree

    def __exit__(self, *problem):
        self.tree.clear()  # op: clear
        return True


def edits():
    while True:
        with Editing(shared) as tree:
            for _ in range(8):
                SubElement(tree, "leaf")  # op: SubElement


def walks():
    while True:
        [leaf.tag for leaf in shared]  # op: iterate or next or for or iter, reads
        shared.findtext("leaf", default="")  # op: findtext, reads


run(edits, walks)
