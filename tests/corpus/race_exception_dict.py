"""ExitStack callbacks set an exception's attributes, while another thread replaces its dict."""

import contextlib

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": ("LookupError", "dict"),
    "known": ("gh-124470", "gh-134679", "gh-127192", "gh-144774", None),
    "outside": {"contextlib.py": "setattr"},
}

shared, own = LookupError("nothing"), LookupError("own")
tell(object=id(shared))


def annotate():
    with contextlib.ExitStack() as stack:  # op: setattr
        for number in range(20):
            stack.callback(setattr, shared, f"step{number % 3}", number)
            own.step = number


def forget():
    for number in range(1000):
        shared.__dict__ = {}  # op: setattr
        own.step = 4


run(annotate, forget)
