"""gh-146471: One sqlite cursor for all of a web server's threads."""

import sqlite3
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "sqlite3.Cursor",
    "known": ("gh-146471", None),
}


class Database:
    def __init__(self):
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.cursor = self.connection.cursor()
        self.cursor.execute("create table t (n integer, s text)")
        self.cursor.executemany("insert into t values (?, ?)", [(n, str(n)) for n in range(100)])

    def query(self):
        self.cursor.execute("select n, s from t where n > ?", (10,))  # op: execute
        return self.cursor.fetchall()  # op: fetchall


database = Database()
tell(object=id(database.cursor), also=[id(database.connection)])


def serve():
    while True:
        try:
            database.query()
        except sqlite3.Error:
            continue


for _ in range(4):
    threading.Thread(target=serve).start()
