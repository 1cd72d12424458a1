"""Types that take no lock of their own (heapq's list, bytearray, array), shared under one
threading.Lock.
"""

import array
import heapq
import threading

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}

lock = threading.Lock()
heap, buffer, numbers = [], bytearray(), array.array("i")


def push():
    while True:
        with lock:
            heapq.heappush(heap, len(heap) * 0.5)
            buffer.extend(b"x" * 100)
            numbers.extend(range(10))


def pop():
    while True:
        with lock:
            heapq.heappop(heap)


def clear():
    while True:
        with lock:
            buffer.clear()
            del numbers[:]


run(push, pop, clear)
