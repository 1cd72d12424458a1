"""gh-153297: f.__defaults__ is replaced without a lock."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "function",
    "known": "gh-153297",
}


def shared(first=1, second=2):
    pass


tell(object=id(shared))


def read():
    while True:
        _ = shared.__defaults__  # op: getattr, reads


def write():
    while True:
        shared.__defaults__ = (object(),) * 30  # op: setattr


run(read, write)
