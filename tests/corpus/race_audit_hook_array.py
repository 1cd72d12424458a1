"""An audit hook notes each event of all threads."""

import array
import sys

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


def audit(event, arguments):
    if not event.startswith("builtins.id"):
        return
    log.append(7)  # op: append
    if len(log) > 40:  # op: len, reads
        del log[:]  # op: delitem


sys.addaudithook(audit)


def worker():
    values = [object() for _ in range(10)]
    while True:
        for value in values:
            id(value)


run(worker, copies=3)
