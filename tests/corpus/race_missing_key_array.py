"""A dict's __missing__ notes each miss."""

import array

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

log = array.array("q")
tell(object=id(log))


class Defaults(dict):
    def __missing__(self, key):
        log.append(7)  # op: append
        if len(log) > 40:  # op: len, reads
            del log[:]  # op: delitem
        return key


defaults = Defaults(a=1)


def worker():
    number = 0
    while True:
        number += 1
        if defaults[number] == defaults["a"]:
            number += 1


run(worker, copies=3)
