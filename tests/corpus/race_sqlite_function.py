"""A connection's SQL function is replaced while statements call it."""

import sqlite3

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("sqlite3.Connection", "sqlite3.Cursor"),
    "known": ("gh-146471", None),
}

shared = sqlite3.connect(":memory:", check_same_thread=False)
shared.create_function("f", 1, lambda value: value)
tell(object=id(shared))


def asks():
    while True:
        shared.execute("select f(1), f(2)").fetchall()  # op: execute or fetchall


def replaces():
    while True:
        shared.create_function("f", 1, lambda value: [value][0])  # op: create_function


def traces():
    while True:
        shared.set_trace_callback(lambda text: None)  # op: set_trace_callback


run(asks, replaces, traces)
