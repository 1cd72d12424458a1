"""dict() and list() take pairs of one zip over two generators."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("generator", "zip"),
    "known": ("gh-120321", "gh-156351", "gh-135325", "gh-123471", "gh-124397"),
}


def keys(limit):
    for number in range(limit):
        yield number


first, second = keys(10**9), keys(10**9)
shared = zip(first, second)
tell(object=id(shared), also=[id(first), id(second)])


def fills():
    while True:
        for key, value in shared:  # op: for or iterate or next
            if key % 1000 == 0:
                break


def steps():
    while True:
        next(shared)  # op: next


run(fills, steps)
