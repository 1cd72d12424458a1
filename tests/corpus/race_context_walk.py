"""A tracer keeps one walk over a context and goes on with it in each thread."""

import collections
import contextvars

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("keys", "items", "values", "Context"),
    "known": "gh-154535",
}


class Tracer:
    def __init__(self):
        for number in range(16):
            contextvars.ContextVar(f"trace{number}").set([number])
        self.context = contextvars.copy_context()
        self.restart()

    def restart(self):
        self.walk = iter(self.context.values())

    def drain(self):
        collections.deque(self.walk, maxlen=0)  # op: deque or next or iterate
        self.restart()

    def step(self):
        for _ in range(20):
            next(self.walk, None)  # op: next


tracer = Tracer()


def drains():
    while True:
        tracer.drain()


def steps():
    while True:
        tracer.step()


run(drains, steps, copies=4)
