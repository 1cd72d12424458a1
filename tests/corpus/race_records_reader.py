"""A reader of records that is shared: each call goes on where the last one stopped."""

import struct
import threading

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("_struct.unpack_iterator", "unpack_iterator", "_struct.Struct"),
    "known": "gh-154013",
}


class Records:
    """What a file of numbers holds, one after the other."""

    def __init__(self):
        self.form = struct.Struct("<iq")
        self.begin()

    def begin(self):
        self.rows = self.form.iter_unpack(bytes(self.form.size * 12))

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.rows)  # op: next


records = Records()


def consumer():
    while True:
        for number, _ in records:
            assert number == 0
        records.begin()


others = [threading.Thread(target=consumer, name=f"consumer-{n}") for n in range(5)]
for other in others:
    other.start()
consumer()
