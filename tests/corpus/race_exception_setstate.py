"""gh-144774: BaseException.__setstate__ borrows from a dict that another thread changes."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("dict", "ValueError"),
    "known": "gh-144774",
}

error = ValueError("first")
shared = {f"name{number}": [number] for number in range(20)}
tell(object=id(shared), also=[id(error)])


def load():
    while True:
        error.__setstate__(shared)  # op: __setstate__


def write():
    while True:
        shared.update({f"name{number}": [number] for number in range(20)})  # op: update


def clear():
    while True:
        shared.clear()  # op: clear


run(load, write, clear)
