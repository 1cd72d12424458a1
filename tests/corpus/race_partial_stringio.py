"""One loop function runs partials on one StringIO."""

import functools
import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.StringIO",
    "known": ("gh-153296", "gh-135410", "gh-150695"),
}

shared = io.StringIO("l\n" * 50)
tell(object=id(shared))


def worker(action):
    def forever():
        while True:
            action()  # op: list or iterate or next or seek or write or truncate

    return forever


actions = [
    functools.partial(list, shared),
    functools.partial(shared.seek, 0),
    functools.partial(shared.write, "longer line of text\n" * 20),
    functools.partial(shared.truncate, 0),
]
run(*map(worker, actions))
