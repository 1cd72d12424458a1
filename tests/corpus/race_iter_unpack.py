"""struct.iter_unpack shared by a map() in several threads."""

import collections
import struct
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": ("unpack_iterator", "_struct.unpack_iterator"),
    "known": ("gh-154013", "gh-124397", "gh-146020", None),
}
State = collections.namedtuple("State", "lock records")
state = {}
tell()


def fill():
    state["records"] = struct.iter_unpack("<HH", bytes(64))


fill()


def drain():
    while True:
        collections.deque(map(sum, state["records"]), maxlen=0)  # op: map or deque or next or iter
        fill()


for _ in range(4):
    threading.Thread(target=drain).start()
