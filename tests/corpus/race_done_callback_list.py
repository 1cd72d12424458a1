"""Done callbacks of futures push to a heap that the main thread empties."""

import heapq
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "list",
    "known": ("gh-135557", "gh-116738"),
}

shared = []
tell(object=id(shared))


def work(number):
    for _ in range(200):
        heapq.heappush(shared, (number % 7, str(number)))  # op: heappush
    return number


def done(future):
    while True:
        try:
            heapq.heappop(shared)  # op: heappop
        except IndexError:
            break


with ThreadPoolExecutor(4) as pool:
    while True:
        futures = [pool.submit(work, number) for number in range(100)]
        for future in futures:
            future.add_done_callback(done)
        for future in futures:
            future.exception()
