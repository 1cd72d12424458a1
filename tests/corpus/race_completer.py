"""readline's completer is set by some threads and asked for by others."""

import readline

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "module",
    "known": "gh-153291",
}
tell(object=id(readline))


def sets():
    while True:
        readline.set_completer(lambda text, state: None)  # op: set_completer


def asks():
    while True:
        readline.get_completer()  # op: get_completer, reads


run(sets, asks)
