"""A pool's tasks are a function of two lines over one element, submitted with its arguments."""

from concurrent.futures import ThreadPoolExecutor
from xml.etree.ElementTree import Element

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
}

shared = Element("page")
parts = [Element("part") for _ in range(30)]
tell(object=id(shared))


def fill(tree, children):
    tree.extend(children)  # op: extend


def wipe(tree):
    tree.clear()  # op: clear


def look(tree):
    return list(tree.iter())  # op: iter or list, reads


with ThreadPoolExecutor(4) as pool:
    while True:
        jobs = []
        for _ in range(200):
            jobs.append(pool.submit(fill, shared, parts))
            jobs.append(pool.submit(wipe, shared))
            jobs.append(pool.submit(look, tree=shared))
        for job in jobs:
            job.exception()
