"""map(attrgetter("text"), ...) reads an Element's text, which a property of a wrapper sets."""

import collections
import itertools
import operator
import xml.etree.ElementTree as ET

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-149816", "gh-145568", "gh-146022", "gh-157090"),
}

shared, quiet = ET.Element("p"), ET.Element("q")
quiet.text = "quiet"
tell(object=id(shared))


class Paragraph:
    def __init__(self, element):
        self.element = element

    @property
    def text(self):
        return self.element.text

    @text.setter
    def text(self, text):
        self.element.text = text  # op: setattr or text


def read():
    texts = map(operator.attrgetter("text"), itertools.repeat(shared, 10000))
    collections.deque(texts, 0)  # op: getattr or text or attrgetter
    len(quiet.text)


def edit():
    paragraph = Paragraph(shared)
    for number in range(10000):
        paragraph.text = str(number) * 3
        quiet.text


run(read, edit)
