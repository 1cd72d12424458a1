"""Parsers of several threads build into one TreeBuilder."""

from xml.etree.ElementTree import TreeBuilder, XMLParser

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.TreeBuilder",
    "known": ("gh-145568", "gh-153852"),
}

shared = TreeBuilder()
shared.start("all", {})
tell(object=id(shared))


def books():
    while True:
        parser = XMLParser(target=shared)
        parser.feed("<books><book>a</book><book/></books>")  # op: feed


def films():
    while True:
        parser = XMLParser(target=shared)
        parser.feed("<films>text<film k='v'/>more</films>")  # op: feed


run(books, films)
