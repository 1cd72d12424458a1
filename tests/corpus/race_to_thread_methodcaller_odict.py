"""asyncio.to_thread runs methodcallers and partials of them on one OrderedDict."""

import asyncio
import collections
import functools
import operator

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
    "outside": {"concurrent/futures/thread.py": "clear or update or copy or keys or list"},
}

shared = collections.OrderedDict.fromkeys(range(300))
tell(object=id(shared))
fresh = dict.fromkeys(range(300))
clear = operator.methodcaller("clear")
copy = functools.partial(operator.methodcaller("copy"), shared)
update = functools.partial(operator.methodcaller("update", fresh), shared)


async def cache():
    calm = collections.OrderedDict.fromkeys(range(3))
    while True:
        jobs = [asyncio.to_thread(call) for call in (copy, update, copy) * 5]
        jobs.append(asyncio.to_thread(clear, shared))
        await asyncio.gather(*jobs, return_exceptions=True)
        clear(calm)


def serve():
    asyncio.run(cache())


run(serve, copies=2)
