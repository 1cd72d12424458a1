"""One TreeBuilder behind two SAX-like producers; events come from iterators."""

import threading
import xml.etree.ElementTree as ET
from itertools import cycle

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": ("xml.etree.ElementTree.TreeBuilder", "_elementtree.TreeBuilder"),
    "known": ("gh-146022", "gh-145568", "gh-157090", None),
}


class Handler:
    def __init__(self):
        self.builder = ET.TreeBuilder()

    def element(self, tag, text):
        self.builder.start(tag, {"n": text})  # op: start
        self.builder.data(text)  # op: data
        self.builder.end(tag)  # op: end


handler = Handler()
handler.builder.start("root", {})
tell(object=id(handler.builder))


def produce(events):
    for tag, text in events:
        try:
            handler.element(tag, text)
        except (IndexError, AssertionError):
            continue


for kind in ("a", "b", "c", "d"):
    threading.Thread(target=produce, args=(cycle([(kind, "1" * 50), (kind * 2, "2")]),)).start()
