"""A scheduler steps suspended generators, which delegate to others, over one element."""

from xml.etree.ElementTree import Element

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}

shared = Element("page")
parts = [Element("part") for _ in range(12)]
tell(object=id(shared))


def grows(tree):
    while True:
        tree.extend(parts)  # op: extend
        yield


def shrinks(tree):
    while True:
        yield
        tree.clear()  # op: clear


def looks(tree):
    while True:
        tree.findall("part")  # op: findall
        yield len(tree)


def delegates(step):
    yield from step(shared)


def schedules():
    steps = [delegates(step) for step in (grows, looks, shrinks, looks)]
    while True:
        for step in steps:
            next(step)


run(schedules, copies=4)
