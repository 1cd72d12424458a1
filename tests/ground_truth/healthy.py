"""A healthy program of more than 100,000 objects of many kinds, held in all the ways there are;
threads in the middle of things.
"""

from __future__ import annotations

import collections
import functools
import os
import sys
import threading
import time
import weakref

COUNT = 7_000


class Node:
    def __init__(self, number):
        self.items = [number]
        self.table = {number: (number, self)}
        self.steps = steps(self)
        next(self.steps)
        self.call = functools.partial(print, self)
        self.inner = lambda: self
        self.chain = collections.deque([[number]])
        self.set = {(number, "x")}
        self.slots = Slotted((self, [1]))
        self.reference = weakref.ref(self.slots)


class Slotted:
    __slots__ = ("__weakref__", "value")

    def __init__(self, value):
        self.value = value


def steps(node):
    held = [node]
    while True:
        yield held


def worker(go_on):
    mine = [[object(), (number, [number])] for number in range(1000)]
    steps = iter(mine)
    next(steps)
    while not go_on.is_set():
        for one in mine:
            one[1][1].append([one])
            one[1][1].pop()
        time.sleep(0.001)


def sleeper(event):
    local = [[number] for number in range(100)]
    event.wait()
    del local


kept = [Node(number) for number in range(COUNT)]
stop = threading.Event()
threads = [
    threading.Thread(target=target, args=(stop,), daemon=True)
    for target in (worker, worker, sleeper)
]
for thread in threads:
    thread.start()
time.sleep(0.3)
sys.stdout.flush()
os.abort()
