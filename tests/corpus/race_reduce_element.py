"""functools.reduce folds lists into one Element with its append as the step."""

import functools
from xml.etree.ElementTree import Element

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}

shared = Element("shelf")
tell(object=id(shared))
books = [Element("book") for _ in range(30)]


def put(shelf, book):
    shelf.append(book)  # op: append
    return shelf


def fills():
    while True:
        functools.reduce(put, books, shared)


def empties():
    while True:
        shared.clear()  # op: clear


run(fills, empties)
