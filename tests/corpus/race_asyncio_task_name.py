"""Threads rename a task of another thread's event loop and ask for its name."""

import asyncio

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_asyncio.Task",
    "known": "gh-128002",
}


async def sleeper():
    await asyncio.sleep(1000)


loop = asyncio.new_event_loop()
shared = loop.create_task(sleeper(), name="first")
tell(object=id(shared))


def renames():
    number = 0
    while True:
        number += 1
        shared.set_name(f"task number {number}")  # op: set_name


def asks():
    while True:
        shared.get_name()  # op: get_name, reads


run(renames, asks)
