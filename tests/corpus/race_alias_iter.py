"""gh-154043: An iterator over a generic alias that all workers unpack; closures over a
list cell.
"""

import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": ("generic_alias_iterator", "types.generic_alias_iterator"),
    "known": "gh-154043",
}


def main():
    current = iter(list[int])

    def unpack():
        nonlocal current
        while True:
            for _ in current:  # op: next or iter
                pass
            current = iter(list[int])

    def peek():
        while True:
            next(current, None)  # op: next

    for target in (unpack, unpack, peek, peek):
        threading.Thread(target=target).start()


tell()
main()
