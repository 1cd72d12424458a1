"""A set iterator is sorted in one place, unpacked in another, searched in a third."""

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("set_iterator", "set"),
    "known": ("gh-144356", None),
}


class Shared:
    numbers = iter({1, 2})


def sorts():
    while True:
        for _ in range(100):
            sorted(Shared.numbers)  # op: sorted
            Shared.numbers = iter({1, 2})


def unpacks():
    while True:
        try:
            first, second = Shared.numbers  # op: unpack or iterate
        except ValueError:
            continue


def searches():
    while True:
        9 in Shared.numbers  # op: contains or in


run(sorts, unpacks, searches)
