"""StringIO lines go through map, filter and enumerate; an ExitStack of another thread writes."""

import contextlib
import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "_io.StringIO",
    "known": ("gh-153296", "gh-135410", "gh-150695"),
    "outside": {"contextlib.py": "truncate or seek or write"},
}

shared = io.StringIO("verse one\n" * 20)
tell(object=id(shared))


def words(source):
    return map(str.split, filter(None, source))


def count():
    total, other = 0, io.StringIO("quiet\n" * 20)
    for number, line in enumerate(words(shared)):  # op: next or iterate or readline
        total += len(line) + number
        other.seek(0)
        next(words(other))
    shared.seek(0)  # op: seek


def refill():
    other = io.StringIO("quiet\n" * 20)
    with contextlib.ExitStack() as stack:  # op: write or seek or truncate
        stack.callback(shared.write, "refrain\n" * 400)
        stack.callback(shared.seek, 0)
        stack.callback(shared.write, "longer than a line of the verse\n")
        stack.callback(shared.truncate, 0)
        stack.callback(other.seek, 0)


run(count, refill)
