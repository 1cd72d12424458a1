"""run_in_executor is handed methods of one bytearray, and the coroutines change it, too."""

import asyncio

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "bytearray",
    "known": "gh-129107",
    "outside": {"concurrent/futures/thread.py": "extend or clear or find or replace or bytearray"},
}

shared = bytearray(b"header:" * 300)
tell(object=id(shared))


async def asks(loop):
    while True:
        await loop.run_in_executor(None, shared.replace, b"e", b"33")


async def fills(loop):
    while True:
        await loop.run_in_executor(None, shared.extend, b"value;" * 3000)


async def resets():
    while True:
        await asyncio.sleep(0)
        shared.clear()  # op: clear
        shared.extend(b"header:" * 300)  # op: extend


async def main():
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        *(asks(loop) for _ in range(3)), *(fills(loop) for _ in range(3)), resets()
    )


asyncio.run(main())
