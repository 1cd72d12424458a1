"""gh-125165: one C profiler enabled in several threads."""

import cProfile

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "cProfile.Profile",
    "known": ("gh-125165", "gh-126884"),
}

shared = cProfile.Profile(builtins=True)
tell(object=id(shared))


def on():
    while True:
        shared.enable()  # op: enable
        len("")  # op: call
        shared.disable()  # op: disable


def clear():
    while True:
        shared.clear()  # op: clear


run(on, clear)
