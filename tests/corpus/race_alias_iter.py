"""gh-154043: several threads exhaust one GenericAlias iterator."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": ("generic_alias_iterator",),
    "known": "gh-154043",
}

alias = list[int]
shared = [iter(alias)]
tell(object=id(shared), also=[id(alias)])


def read():
    while True:
        next(shared[0], None)  # op: next


def renew():
    while True:
        shared[0] = iter(list[int])  # op: setitem


run(read, renew)
