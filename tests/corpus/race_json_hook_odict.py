"""object_pairs_hook puts each thread's pairs into one OrderedDict."""

import json
from collections import OrderedDict

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}

shared = OrderedDict()
tell(object=id(shared))
TEXT = json.dumps({f"key-{number}": number for number in range(40)})


def loads():
    while True:
        json.loads(TEXT, object_pairs_hook=shared.update)  # op: loads or update


def dumps():
    while True:
        for key in list(shared):  # op: list or iter, reads
            shared.pop(key, None)  # op: pop


run(loads, dumps)
