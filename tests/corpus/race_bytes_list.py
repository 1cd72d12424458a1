"""gh-149816: bytes(list) borrows a list's items while another thread replaces them."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": "gh-149816",
}

shared = [200] * 50
large = 10**20
tell(object=id(shared))


def convert():
    while True:
        bytes(shared)  # op: bytes, reads


def write():
    while True:
        shared[7] = int("1" + "0" * 20)  # op: setitem


def cut():
    while True:
        shared.clear()  # op: clear


def grow():
    while True:
        shared.extend([201] * 50)  # op: extend


run(convert, write, cut, grow)
