"""Workers take tasks off a queue; the tasks are bound methods of one csv reader and writer."""

import csv
import itertools
import queue
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_csv.reader",
    "known": "gh-141365",
}

shared = csv.reader(itertools.cycle(["a,b,c", '"a long field, quoted", ' * 200]))
tell(object=id(shared))
tasks = queue.SimpleQueue()


def worker():
    while True:
        method, arguments = tasks.get()
        for _ in range(300):
            try:
                method(*arguments)  # op: next
            except csv.Error:
                continue


for number in range(4):
    threading.Thread(target=worker, name=f"worker-{number}").start()
while True:
    if tasks.qsize() < 200:
        tasks.put((shared.__next__, ()))
        tasks.put((next, (shared,)))
