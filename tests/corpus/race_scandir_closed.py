"""Directory walkers share one scandir() iterator, which the last to leave closes."""

import os
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 25,
    "attempts": 3,
    "object_type": "posix.ScandirIterator",
    "known": ("gh-152754", None),
}

for number in range(100):
    with open(f"file{number}", "w"):
        pass
shared = [os.scandir(".")]
tell()


def walks():
    while True:
        for entry in shared[0]:  # op: for or next or iterate
            entry.name


def renews():
    while True:
        old, shared[0] = shared[0], os.scandir(".")
        old.close()  # op: close


for number in range(3):
    threading.Thread(target=walks, name=f"walks-{number}").start()
threading.Thread(target=renews, name="renews").start()
