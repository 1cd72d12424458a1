"""Coroutines of several event loops, each three awaits deep, edit one element."""

import asyncio
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
parts = [Element("part") for _ in range(9)]
tell(object=id(shared))


async def put(tree):
    tree.extend(parts)  # op: extend


async def wipe(tree):
    tree.clear()  # op: clear


async def look(tree):
    return tree.findall("part")  # op: findall, reads


async def session(step):
    await asyncio.sleep(0)
    return await step(shared)


async def serve():
    while True:
        await asyncio.gather(*(session(step) for step in (put, look, wipe, look)))


def loops():
    asyncio.run(serve())


run(loops, copies=4)
