"""Queries through a connection that another thread closes and reopens (__init__)."""

import contextlib
import sqlite3
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "sqlite3.Connection",
    "known": ("gh-146471", "gh-127192", None),
}
CONNECTIONS = {"main": sqlite3.connect(":memory:", check_same_thread=False)}
tell(object=id(CONNECTIONS["main"]))


@contextlib.contextmanager
def cursor():
    c = CONNECTIONS["main"].cursor()  # op: cursor
    try:
        yield c
    finally:
        c.close()


def query():
    while True:
        try:
            with cursor() as c:
                c.execute("select 1")  # op: execute
                CONNECTIONS["main"].execute("select 2").fetchone()  # op: execute
        except sqlite3.Error:
            continue


def reopen():
    while True:
        try:
            CONNECTIONS["main"].close()  # op: close
            CONNECTIONS["main"].__init__(":memory:", check_same_thread=False)  # op: __init__
        except sqlite3.Error:
            continue


threads = [threading.Thread(target=t) for t in (query, query, query, reopen)]
for t in threads:
    t.start()
