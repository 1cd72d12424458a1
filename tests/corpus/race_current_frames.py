"""A watcher walks the frames of running threads."""

import sys

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "frame",
    "known": ("gh-152355", "gh-118680"),
}


def fibonacci(number):
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


def computes():
    while True:
        fibonacci(12)  # op: call or fibonacci


def watches():
    while True:
        for frame in sys._current_frames().values():
            while frame is not None:
                frame.f_lineno, frame.f_locals  # op: f_locals or f_lineno, reads
                frame = frame.f_back  # op: f_back, reads


run(computes, watches)
