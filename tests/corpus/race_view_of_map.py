"""A view of a mapped file is released, and the map closed, while others read."""

import mmap

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("memoryview", "mmap.mmap", "managedbuffer"),
    "known": ("gh-127085", "gh-127716"),
}


class File:
    map = mmap.mmap(-1, 4096)
    view = memoryview(map)


def turns():
    while True:
        File.view.release()  # op: release
        File.map.close()  # op: close
        File.map = mmap.mmap(-1, 4096)
        File.view = memoryview(File.map)


def reads():
    while True:
        File.view[100]  # op: getitem, reads


run(turns, reads)
