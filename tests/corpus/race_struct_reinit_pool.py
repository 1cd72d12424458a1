"""A pool unpacks with one Struct that another thread sets up again."""

import struct
import threading
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_struct.Struct",
    "known": "gh-146020",
}

shared = struct.Struct("<4i2q")
tell(object=id(shared))
data = bytes(64)


def unpacks(offset):
    for _ in range(1000):
        shared.unpack_from(data, offset)  # op: unpack_from, reads


def changes():
    while True:
        shared.__init__("<12h")  # op: init
        shared.__init__("<4i2q")  # op: init


threading.Thread(target=changes, name="changes").start()
with ThreadPoolExecutor(3) as pool:
    while True:
        for job in [pool.submit(unpacks, offset) for offset in range(30)]:
            job.exception()
