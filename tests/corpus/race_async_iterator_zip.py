"""Event loops in several threads iterate over one source, whose __anext__ takes from a zip."""

import asyncio
import itertools
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 5,
    "object_type": ("zip",),
    "known": ("gh-124397", "gh-123471"),
}


class Source:
    def __init__(self):
        self.pairs = zip(itertools.count(10**6), itertools.repeat("job"))

    def __aiter__(self):
        return self

    async def __anext__(self):
        return next(self.pairs)  # op: next


source = Source()
tell(object=id(source.pairs))


async def consume():
    async for number, job in source:
        if number % 1000 == 0:
            await asyncio.sleep(0)


for number in range(3):
    threading.Thread(target=asyncio.run, args=(consume(),), name=f"loop-{number}").start()
