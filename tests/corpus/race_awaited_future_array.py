"""Tasks wait for futures that other tasks resolve; between the waits they change one array."""

import array
import asyncio

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

shared = array.array("q", range(200))
tell(object=id(shared))
more = array.array("q", range(1500))


async def produces(ready):
    await asyncio.sleep(0)
    shared.extend(more)  # op: extend
    ready.set_result(None)


async def consumes(ready):
    await ready
    shared.tolist()  # op: tolist
    await asyncio.sleep(0)
    del shared[100:]  # op: del


async def pair():
    ready = asyncio.get_running_loop().create_future()
    await asyncio.gather(produces(ready), consumes(ready))


async def serve():
    while True:
        await asyncio.gather(*(pair() for _ in range(5)))


def loops():
    asyncio.run(serve())


run(loops, copies=4)
