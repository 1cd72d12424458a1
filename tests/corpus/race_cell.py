"""a closure's cell is written and read; cells are locked from 3.14 on."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "cell",
    "known": None,
}


def make():
    value = [1]

    def get():
        return value

    return get.__closure__[0]


shared = make()
tell(object=id(shared))


def read():
    while True:
        _ = shared.cell_contents  # op: getattr, reads


def write():
    while True:
        shared.cell_contents = object()  # op: setattr


run(read, write)
