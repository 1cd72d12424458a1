"""A property and its setter read and write one StringIO."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.StringIO",
    "known": ("gh-135410", "gh-153296", "gh-150695"),
}


class Log:
    def __init__(self):
        self.file = io.StringIO("first line\n" * 20)

    @property
    def lines(self):
        self.file.seek(0)  # op: seek
        return self.file.readlines()  # op: readlines, reads

    @lines.setter
    def lines(self, text):
        self.file.write(text)  # op: write

    @lines.deleter
    def lines(self):
        self.file.truncate(3)  # op: truncate


log = Log()
tell(object=id(log.file))


def reads():
    while True:
        log.lines


def writes():
    while True:
        log.lines = "another line\n" * 400


def cuts():
    while True:
        del log.lines


run(reads, writes, cuts)
