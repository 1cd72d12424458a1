"""gh-155781: the converters' dict is changed while a query looks one up."""

import sqlite3

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "sqlite3.Connection",
    "known": "gh-155781",
}

connection = sqlite3.connect(
    ":memory:", detect_types=sqlite3.PARSE_DECLTYPES, check_same_thread=False
)
connection.execute("create table t (v thing)")
connection.execute("insert into t values (1)")
shared = sqlite3.converters
tell(object=id(shared), also=[id(connection)])


def query():
    while True:
        connection.execute("select v from t")  # op: execute, reads


def register():
    while True:
        sqlite3.register_converter("thing", lambda value: value)  # op: register_converter


run(query, register)
