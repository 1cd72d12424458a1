"""Partials of partials of one BytesIO's methods, through executor.map."""

import concurrent.futures
import functools
import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
}

shared = io.BytesIO(b"chapter\n" * 300)
tell(object=id(shared))


def copy(read, write, sizes):
    for size in sizes:
        write(read(size))  # op: read or write


tasks = [
    functools.partial(functools.partial(copy, shared.read), len),
    functools.partial(functools.partial(copy, b"x".__mul__), shared.write),
    functools.partial(map, shared.truncate),
    functools.partial(map, shared.seek),
]


def work(task):
    private = io.BytesIO(b"note\n" * 40)
    for _ in task([0, 7, 900] * 20) or ():  # op: truncate or seek
        private.seek(0)


def dispatch():
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        while True:
            list(pool.map(work, tasks * 4))


run(dispatch, copies=1)
