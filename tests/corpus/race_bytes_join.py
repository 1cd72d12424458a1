"""bytes.join and hash functions read a list of buffers that others take apart."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": ("gh-149816", "gh-151295", None),
}

shared = [bytearray(b"abc") for _ in range(40)]
tell(object=id(shared))


def joins():
    while True:
        b"-".join(shared)  # op: join, reads


def changes():
    while True:
        shared.clear()  # op: clear
        shared.extend(bytearray(b"abcdef") for _ in range(40))  # op: extend


run(joins, changes)
