"""Threads add callbacks to a future that another thread's loop resolves."""

import asyncio

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_asyncio.Future",
    "known": "gh-128002",
}

loop = asyncio.new_event_loop()
shared = loop.create_future()
tell(object=id(shared))


def done(future):
    pass


def adds():
    while True:
        shared.add_done_callback(done)  # op: add_done_callback
        shared.add_done_callback(print)  # op: add_done_callback


def removes():
    while True:
        shared.remove_done_callback(done)  # op: remove_done_callback
        shared.remove_done_callback(print)  # op: remove_done_callback


run(adds, removes)
