"""Thread subclasses with run() share a Struct of the class, initialised again."""

import contextlib
import struct
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_struct.Struct",
    "known": "gh-146020",
}


class Worker(threading.Thread):
    layout = struct.Struct("<IIHHd")

    def __init__(self, step):
        super().__init__(name=step.__name__)
        self.step = step

    def run(self):
        while True:
            with contextlib.suppress(struct.error):
                self.step(self)


def packs(worker):
    worker.layout.pack(1, 2, 3, 4, 5.0)  # op: pack, reads


def unpacks(worker):
    for _ in worker.layout.iter_unpack(  # op: iter_unpack or next or iterate or size, reads
        bytes(worker.layout.size * 20)
    ):
        pass


def renews(worker):
    type(worker).layout.__init__("<IIHHdqqqq")  # op: __init__
    Worker.layout.__init__("<IH")  # op: __init__


tell(object=id(Worker.layout))
for step in (packs, unpacks, renews, renews):
    Worker(step).start()
