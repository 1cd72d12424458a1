"""gh-120321: two threads resume one generator."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "generator",
    "known": ("gh-120321", "gh-156351", "gh-135325"),
}


def numbers():
    while True:
        yield 1  # op: next


shared = numbers()
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
