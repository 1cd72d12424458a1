"""gh-145142: str.maketrans() borrows a dict's items while another thread replaces them."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "dict",
    "known": "gh-145142",
}

shared = {chr(97 + number): [number] for number in range(20)}
tell(object=id(shared))


def make():
    while True:
        str.maketrans(shared)  # op: maketrans, reads


def write():
    while True:
        shared.update({chr(97 + number): [number] for number in range(20)})  # op: update


def clear():
    while True:
        shared.clear()  # op: clear


run(make, write, clear)
