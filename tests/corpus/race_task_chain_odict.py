"""Two event loops; their tasks are four awaits deep when they touch one OrderedDict."""

import asyncio
from collections import OrderedDict

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-151627", "gh-125996"),
}

shared = OrderedDict((number, str(number)) for number in range(60))
tell(object=id(shared))


class Session:
    def __init__(self, cache):
        self.cache = cache

    async def __aenter__(self):
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *error):
        await asyncio.sleep(0)

    async def _touch(self, key):
        await asyncio.sleep(0)
        self.cache.move_to_end(key)  # op: move_to_end

    async def _drop(self, key):
        self.cache.pop(key, None)  # op: pop
        await asyncio.sleep(0)
        self.cache.setdefault(key, "again")  # op: setdefault

    async def use(self, key):
        async with self:
            await self._drop(key)
            await self._touch(key)


async def client(session, first):
    while True:
        for key in range(first, 60, 3):
            try:
                await session.use(key)
            except KeyError:
                continue


async def serve():
    session = Session(shared)
    await asyncio.gather(*(client(session, first) for first in range(6)))


def loops():
    asyncio.run(serve())


run(loops, copies=3)
