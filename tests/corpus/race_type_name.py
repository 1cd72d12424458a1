"""A class gets new names while others read it."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "type",
    "known": ("gh-150858", None),
}


class Model:
    pass


tell(object=id(Model))


def renames():
    number = 0
    while True:
        number += 1
        Model.__name__ = f"Model{number}"  # op: __name__ or setattr


def reads():
    while True:
        repr(Model)  # op: repr, reads
        Model.__name__  # op: __name__, reads


run(renames, reads)
