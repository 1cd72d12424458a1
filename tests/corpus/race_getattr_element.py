"""A proxy whose __getattr__ hands on every method of one Element."""

from xml.etree.ElementTree import Element, SubElement

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}

shared = Element("root")
for _ in range(6):
    SubElement(shared, "leaf")
tell(object=id(shared))


class Proxy:
    def __init__(self, inner):
        self.__dict__["inner"] = inner

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)


tree = Proxy(shared)
leaves = [Element("leaf") for _ in range(6)]


def looks():
    while True:
        tree.findall("leaf")  # op: findall, reads
        tree.find("none")  # op: find, reads


def replants():
    while True:
        tree.clear()  # op: clear
        tree.extend(leaves)  # op: extend


run(looks, replants)
