"""The same unprotected types, one of each per thread: the same operations at once, on different
objects.
"""

import array
import heapq
import io
import itertools

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}


def heap():
    own = []
    while True:
        heapq.heappush(own, len(own) * 0.5)
        if len(own) > 100:
            heapq.heappop(own)


def buffer():
    own, text = bytearray(), io.StringIO()
    while True:
        own.extend(b"x" * 100)
        text.write("some text")
        if len(own) > 10000:
            own.clear()
            text.truncate(0)


def numbers():
    own = array.array("i")
    for number in itertools.cycle(range(1000)):
        own.append(number)
        if number == 0:
            del own[:]


run(heap, buffer, numbers)
