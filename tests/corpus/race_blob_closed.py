"""A blob is read by slices in several threads while one has it closed by with."""

import sqlite3

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "sqlite3.Blob",
    "known": None,
}

connection = sqlite3.connect(":memory:", check_same_thread=False)
connection.execute("create table picture (data blob)")
connection.execute("insert into picture values (zeroblob(1000))")


class Album:
    page = connection.blobopen("picture", "data", 1)


def shows():
    while True:
        with connection.blobopen("picture", "data", 1) as page:  # op: __exit__
            Album.page = page


def reads():
    while True:
        Album.page[10:20]  # op: getitem, reads


def writes():
    while True:
        Album.page[3] = 7  # op: setitem


run(shows, reads, writes)
