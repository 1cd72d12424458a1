"""max with a lambda key, any over a generator expression and sum of map over one element."""

from xml.etree.ElementTree import Element, SubElement

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
    "known_also": ("gh-143200",),
}

shared = Element("scores")
for number in range(12):
    SubElement(shared, "score", value=str(number))
tell(object=id(shared))
fresh = [Element("score", value="3") for _ in range(12)]


def best():
    while True:
        max(shared, key=lambda score: int(score.get("value")), default=None)  # op: max, reads


def known():
    while True:
        any(score.tag == "none" for score in shared)  # op: any or next or iter, reads


def renews():
    while True:
        shared[:] = fresh  # op: setitem
        shared.clear()  # op: clear


run(best, known, renews)
