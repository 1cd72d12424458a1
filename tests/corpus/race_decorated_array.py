"""Functions behind two decorators fill and empty one array."""

import array
import functools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

shared = array.array("d", range(50))
tell(object=id(shared))


def retried(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for _ in range(3):
            try:
                return function(*args, **kwargs)
            except (IndexError, ValueError, BufferError):
                continue
        return None

    return wrapper


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@retried
@counted
def add(samples):
    samples.extend(range(60))  # op: extend


@counted
@retried
def drop(samples, *, size):
    del samples[size:]  # op: del
    return samples.tolist()  # op: tolist, reads


def adds():
    while True:
        add(shared)


def drops():
    while True:
        drop(shared, size=2)


run(adds, drops)
