"""A dataclass with a buffer in a slot; its methods are called from threads."""

import dataclasses

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "bytearray",
    "known": "gh-129107",
}


@dataclasses.dataclass(slots=True)
class Connection:
    received: bytearray = dataclasses.field(default_factory=bytearray)

    def data(self, chunk):
        self.received += chunk  # op: += or iadd

    def message(self):
        head, _, tail = self.received.partition(b";")  # op: partition, reads
        self.received[:] = tail  # op: setitem or store or [] or item
        return head


connection = Connection()
tell(object=id(connection.received))


def receives():
    while True:
        connection.data(b"a message;" * 50)


def handles():
    while True:
        connection.message()


run(receives, handles)
