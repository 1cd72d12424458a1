"""Two event loops are handed one Element's methods by call_soon_threadsafe."""

import asyncio
import xml.etree.ElementTree as ET

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "xml.etree.ElementTree.Element",
    "known": ("gh-145568", "gh-146022", "gh-157090"),
    "outside": {"asyncio/events.py": "extend or clear or findall or find or insert"},
}

shared = ET.Element("root")
calm = ET.Element("calm")
tell(object=id(shared))
leaves = [ET.Element(f"leaf{n}") for n in range(500)]


async def forever(*calls):
    loop = asyncio.get_running_loop()
    while True:
        for method, *args in calls * 10:
            loop.call_soon_threadsafe(method, *args)
        calm.find("x")
        await asyncio.sleep(0)


def search():
    calls = (shared.findall, "leaf7"), (shared.find, "leaf499"), (calm.find, "no")
    asyncio.run(forever(*calls))  # op: findall or find


def plant():
    calls = (shared.extend, leaves), (shared.clear,), (shared.insert, 0, calm)
    asyncio.run(forever(*calls))  # op: extend or clear or insert


run(search, plant)
