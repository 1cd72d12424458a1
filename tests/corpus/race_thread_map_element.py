"""Threads started with bound methods of an element's owner, args given by kwargs."""

import threading
from xml.etree.ElementTree import Element

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}


class Owner:
    def __init__(self):
        self.tree = Element("tree", {"a": "b"})

    def grow(self, *, count):
        while True:
            for _ in range(count):
                self.tree.append(Element("leaf"))  # op: append

    def look(self, tag, *, again=True):
        while again:
            self.tree.findall(tag)  # op: findall, reads
            list(self.tree)  # op: list or iter or next, reads

    def wipe(self):
        while True:
            self.tree.clear()  # op: clear


owner = Owner()
tell(object=id(owner.tree))
threading.Thread(target=owner.grow, kwargs={"count": 30}, name="grow").start()
threading.Thread(target=owner.look, args=("leaf",), kwargs={"again": True}, name="look").start()
threading.Thread(target=owner.look, args=("none",), name="look-2").start()
threading.Thread(target=owner.wipe, name="wipe").start()
