"""A TreeBuilder that the main thread prepares, and then gives to a pool's jobs."""

from concurrent.futures import ThreadPoolExecutor
from xml.etree.ElementTree import TreeBuilder

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 25,
    "attempts": 3,
    "object_type": (
        "xml.etree.ElementTree.TreeBuilder",
        "_elementtree.TreeBuilder",
        "xml.etree.ElementTree.Element",
    ),
    "known": "gh-145568",
}


def paragraph(builder, text):
    builder.start("p", {"n": text})  # op: start
    builder.data(text)  # op: data
    builder.data(" and more")  # op: data
    builder.end("p")  # op: end


with ThreadPoolExecutor(6) as pool:
    while True:
        builder = TreeBuilder()
        builder.start("body", {})
        jobs = [pool.submit(paragraph, builder, f"text {n}") for n in range(300)]
        for job in jobs:
            job.exception()
