"""gh-153297: f.__qualname__ is replaced without a lock while others take a reference to it."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "function",
    "known": ("gh-153297", "gh-154821"),
}


def shared():
    pass


tell(object=id(shared))


def read():
    while True:
        _ = shared.__qualname__  # op: getattr, reads


def write():
    while True:
        shared.__qualname__ = "name" + str(id(object()))  # op: setattr


run(read, write)
