"""Cycles, the collector, short-lived threads."""

import gc
import threading

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}


class Node:
    def __init__(self):
        self.me = self
        self.payload = [object() for _ in range(20)]


def cycles():
    while True:
        Node()


def collect():
    while True:
        gc.collect(0)


def threads():
    while True:
        thread = threading.Thread(target=Node)
        thread.start()
        thread.join()


run(cycles, collect, threads)
