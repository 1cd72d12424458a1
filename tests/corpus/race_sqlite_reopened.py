"""A pool closes its connection and opens another while workers still query the old one."""

import contextlib
import sqlite3
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": ("sqlite3.Connection", "sqlite3.Cursor"),
    "known": ("gh-146471", "gh-155781", None),
}

QUERY = "select 1 union select 2 order by 1"


def opened():
    return sqlite3.connect(":memory:", check_same_thread=False)


class Pool:
    current = opened()

    def query(self):
        connection = self.current
        return connection.execute(QUERY).fetchall()  # op: execute or fetchall

    def reopen(self):
        old, self.current = self.current, opened()
        old.close()  # op: close


pool = Pool()
tell()


def queries():
    while True:
        with contextlib.suppress(sqlite3.Error):
            pool.query()


for number in range(3):
    threading.Thread(target=queries, name=f"queries-{number}").start()
while True:
    pool.reopen()
