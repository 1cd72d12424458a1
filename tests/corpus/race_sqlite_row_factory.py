"""A connection's text and row factories change while rows are fetched."""

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
shared.execute("create table t (name text)")
shared.executemany("insert into t values (?)", [("x" * 30,)] * 50)
tell(object=id(shared))


def asks():
    while True:
        shared.execute("select name from t").fetchall()  # op: execute or fetchall


def changes():
    while True:
        shared.text_factory = lambda data: data.decode()  # op: text_factory or setattr
        shared.row_factory = lambda cursor, row: list(row)  # op: row_factory or setattr


run(asks, changes)
