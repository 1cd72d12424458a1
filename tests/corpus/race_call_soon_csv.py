"""Threads hand bound methods of one csv reader to event loops by call_soon_threadsafe."""

import asyncio
import csv
import itertools
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_csv.reader",
    "known": "gh-141365",
}

shared = csv.reader(itertools.cycle(["a,b,c", '"a long field, quoted", ' * 200]))
tell(object=id(shared))
loops = [asyncio.new_event_loop() for _ in range(3)]


def serve(loop):
    loop.run_forever()  # op: next


def feed():
    while True:
        for loop in loops:
            if len(loop._ready) < 500:
                for _ in range(100):
                    loop.call_soon_threadsafe(shared.__next__)


for number, loop in enumerate(loops):
    loop.set_exception_handler(lambda loop, context: None)
    threading.Thread(target=serve, args=(loop,), name=f"loop-{number}").start()
feed()
