"""A pipeline of generators, its middle shared by several threads."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("generator",),
    "known": ("gh-120321", "gh-156351", "gh-135325"),
}


def numbers():
    number = 0
    while True:
        number += 1
        yield number  # op: next or yield


def evens(source):
    for number in source:  # op: iterate or next or for
        if number % 2 == 0:
            yield number  # op: next or yield


base = numbers()
shared = evens(base)
tell(object=id(shared), also=[id(base)])


def sums():
    while True:
        sum(number for number, _ in zip(shared, range(50)))  # op: zip or next or sum


def steps():
    while True:
        next(shared)  # op: next


run(sums, steps)
