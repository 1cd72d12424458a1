"""gh-154535: one iterator over a contextvars.Context is advanced by several threads."""

import contextvars

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "keys",
    "known": "gh-154535",
}

for number in range(2000):
    contextvars.ContextVar(f"v{number}").set(number)
context = contextvars.copy_context()
shared = [iter(context)]
tell(also=[id(context)])


def read():
    while True:
        for _ in shared[0]:  # op: next
            pass


def renew():
    while True:
        shared[0] = iter(context)  # op: setitem


run(read, renew)
