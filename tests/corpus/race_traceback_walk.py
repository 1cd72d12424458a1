"""Tracebacks of a registry are cut short while others walk them."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "traceback",
    "known": None,
}


def failed():
    try:
        inner()
    except LookupError as error:
        return error.__traceback__


def inner():
    raise LookupError


registry = {"last": {"where": failed()}}
tell(object=id(registry["last"]["where"]))


def cuts():
    while True:
        registry["last"]["where"].tb_next = failed()  # op: tb_next or setattr


def walks():
    while True:
        registry["last"]["where"].tb_next.tb_frame  # op: tb_next or getattr, reads


run(cuts, walks)
