"""Workers take partials on one bytearray from a queue."""

import functools
import queue
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "bytearray",
    "known": "gh-129107",
}

shared = bytearray(b"abc" * 100)
tell(object=id(shared))
jobs = queue.SimpleQueue()


def works():
    while True:
        job = jobs.get()
        try:
            job()  # op: extend or clear or find or split or replace or pop or call
        except (IndexError, BufferError):
            continue


def makes():
    while True:
        if jobs.qsize() < 2000:
            jobs.put(functools.partial(shared.extend, b"more" * 40))
            jobs.put(functools.partial(bytearray.clear, shared))
            jobs.put(functools.partial(shared.replace, b"o", b"0"))


for number in range(4):
    threading.Thread(target=works, name=f"works-{number}").start()
makes()
