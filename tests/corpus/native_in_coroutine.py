"""A NULL dereference in native code that an asynchronous generator called: it shares the
generator's C functions.
"""

import asyncio
import ctypes

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT404",
    "subject": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}


async def numbers():
    yield 1
    ctypes.string_at(0)  # op: string_at


async def main():
    async for _ in numbers():
        await asyncio.sleep(0)


asyncio.run(main())
