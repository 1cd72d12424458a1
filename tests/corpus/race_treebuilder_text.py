"""A TreeBuilder gets tags from some threads and text from others."""

from xml.etree.ElementTree import TreeBuilder

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
shared.start("root", {})
tell(object=id(shared))


def tags():
    while True:
        shared.start("x", {})  # op: start
        shared.end("x")  # op: end


def texts():
    while True:
        shared.data("some text")  # op: data


run(tags, texts)
