"""A subclass of bytearray used as a line buffer."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "Lines",
    "known": "gh-129107",
}


class Lines(bytearray):
    def feed(self, data):
        self.extend(data)  # op: extend

    def take(self):
        line = bytes(self[:20])  # op: getitem or [] or slice or item, reads
        del self[:20]  # op: del
        return line


shared = Lines(b"x" * 100)
tell(object=id(shared))


def feeds():
    while True:
        shared.feed(b"a line of text\n" * 40)


def takes():
    while True:
        shared.take()


run(feeds, takes)
