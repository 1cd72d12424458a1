"""gh-126895: Completer delimiters set by several threads."""

import readline
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "module",
    "known": "gh-126895",
}
tell(object=id(readline))


def configure(delimiters):
    while True:
        readline.set_completer_delims(delimiters)  # op: set_completer_delims


for delimiters in (" \t\n;", "abc" * 20, " ", ".-"):
    threading.Thread(target=configure, args=(delimiters,)).start()
