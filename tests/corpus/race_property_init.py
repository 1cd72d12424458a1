"""property.__init__ replaces its functions while another thread reads through it."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "property",
    "known": "gh-127192",
}


class Thing:
    pass


shared = property(lambda self: 1)
thing = Thing()
Thing.value = shared
tell(object=id(shared), also=[id(thing)])


def read():
    while True:
        _ = thing.value  # op: getattr or get, reads


def again():
    while True:
        shared.__init__(lambda self: 2)  # op: __init__


run(read, again)
