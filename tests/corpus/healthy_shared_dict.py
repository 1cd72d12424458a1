"""A cache that all threads read, write and clear without a lock: dict locks itself."""

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}

cache = {}


def lookup():
    number = 0
    while True:
        number = (number + 1) % 500
        cache.setdefault(number, [number])


def forget():
    number = 0
    while True:
        number = (number + 7) % 500
        cache.pop(number, None)


def walk():
    while True:
        sum(len(value) for value in list(cache.values()))


run(lookup, forget, walk)
