"""An element that is the default argument of nested functions."""

from xml.etree.ElementTree import Element, SubElement

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}

shared = Element("root")
tell(object=id(shared))


def adder(tree=shared):
    def add(tag, tree=tree):
        SubElement(tree, tag)  # op: SubElement

    return add


def counter(tree=shared):
    return sum(1 for _ in tree.iter())  # op: sum or iter or next or for or iterate, reads


add = adder()


def adds():
    while True:
        for _ in range(20):
            add("leaf")


def counts():
    while True:
        counter()


def drops(tree=shared):
    while True:
        tree.clear()  # op: clear


run(adds, counts, drops)
