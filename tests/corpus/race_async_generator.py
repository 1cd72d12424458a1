"""Event loops of several threads step one asynchronous generator."""

import asyncio

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "async_generator",
    "known": ("gh-120321", "gh-156351", "gh-135325"),
}


async def numbers():
    number = 0
    while True:
        yield number
        number += 1


shared = numbers()
tell(object=id(shared))


async def consume():
    while True:
        try:
            async for _ in shared:  # op: for or iterate or next or send
                pass
        except RuntimeError:
            continue


def loops():
    asyncio.run(consume())


run(loops, copies=4)
