"""Several threads exhaust one map over a generator into lists, sums and sets."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("generator", "map"),
    "known": ("gh-120321", "gh-156351", "gh-135325"),
    "known_also": ("gh-124397",),
}


def numbers():
    while True:
        yield 7


source = numbers()
shared = map(str, source)
tell(object=id(shared), also=[id(source)])


def joins():
    while True:
        ",".join(shared)  # op: join or next or iterate


def takes():
    while True:
        next(shared)  # op: next


run(joins, takes)
