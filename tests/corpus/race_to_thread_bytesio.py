"""asyncio.to_thread hands a BytesIO's own methods to the default pool."""

import asyncio
import io

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
    "outside": {"concurrent/futures/thread.py": "getvalue or write or truncate"},
}

shared = io.BytesIO(bytes(3000))
tell(object=id(shared))


async def asks():
    while True:
        await asyncio.to_thread(shared.getvalue)


async def writes():
    while True:
        await asyncio.to_thread(shared.write, bytes(5000))


async def cuts():
    while True:
        await asyncio.to_thread(shared.truncate, 10)


async def main():
    await asyncio.gather(*(work() for work in (asks, writes, cuts) for _ in range(4)))


asyncio.run(main())
