"""gh-150858: a class's __qualname__ is replaced without a lock."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "type",
    "known": "gh-150858",
}


class shared:  # noqa: N801
    pass


tell(object=id(shared))


def read():
    while True:
        _ = shared.__qualname__  # op: getattr, reads


def write():
    while True:
        shared.__qualname__ = "name" + str(id(object()))  # op: setattr


run(read, write)
