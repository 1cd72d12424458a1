"""Errors are told apart by match while their fields change."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "ImportError",
    "known": None,
}

shared = ImportError("no module", name="a", path="b")
tell(object=id(shared))


def sorts():
    while True:
        match shared:
            case ImportError(name="c", path="d"):  # op: match or name or getattr, reads
                pass


def fills():
    number = 0
    while True:
        number += 1
        shared.name = f"module {number}"  # op: name or setattr


run(sorts, fills)
