"""Producers and consumers: objects made in one thread die in another."""

import queue

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}

jobs, results = queue.Queue(100), queue.SimpleQueue()


def produce():
    while True:
        jobs.put({"values": [float(number) for number in range(20)], "name": "job" * 10})


def consume():
    while True:
        job = jobs.get()
        results.put((job["name"], sum(job["values"])))


def collect():
    while True:
        results.get()


run(produce, consume, collect)
