"""A log follower points its BufferedReader at the rotated file while others read it."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "_io.BufferedReader",
    "known": None,
}

with open("log", "wb") as file:
    file.write(b"a line\n" * 1000)
shared = io.BufferedReader(io.FileIO("log"))
tell(object=id(shared))


class Follower:
    def __init__(self, stream):
        self.stream = stream

    def rotate(self):
        self.stream.__init__(io.FileIO("log"), 4097)  # op: __init__

    def lines(self):
        stream = self.stream
        stream.seek(0)  # op: seek
        stream.read(10)  # op: read
        stream.readline()  # op: readline
        stream.peek()  # op: peek


follower = Follower(shared)


def rotates():
    for _ in range(50):
        follower.rotate()


def reads():
    for _ in range(50):
        follower.lines()


run(rotates, reads)
