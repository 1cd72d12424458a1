"""copy_context().run puts workers in one context whose items() iterator they share."""

import contextvars

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("items", "hamt_iterator", "values", "keys", "Context"),
    "known": ("gh-154535", "gh-154043"),
}

variables = [contextvars.ContextVar(f"v{number}") for number in range(200)]
for variable in variables:
    variable.set(object())
context = contextvars.copy_context()
shared = [iter(context.values())]


def takes():
    while True:
        for _ in shared[0]:  # op: for or iterate or next
            pass
        shared[0] = iter(context.values())


run(takes, copies=4)
