"""A pool of threads turns errors into text while one is mended."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "FileNotFoundError",
    "known": None,
}

shared = FileNotFoundError(2, "missing", "page")
tell(object=id(shared))
errors = [shared] * 20


def prints():
    while True:
        list(map(str, errors))  # op: str or list, reads


def joins():
    while True:
        ", ".join(str(error) for error in errors)  # op: str, reads


def names():
    number = 0
    while True:
        number += 1
        shared.filename = f"page {number}"  # op: filename or setattr


run(prints, joins, names)
