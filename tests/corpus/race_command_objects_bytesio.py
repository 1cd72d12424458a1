"""A pool of objects with a run method of their own, taken off a list by many threads."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_io.BytesIO",
    "known": "gh-132551",
}

shared = io.BytesIO(bytes(3000))
tell(object=id(shared))


class Write:
    def __init__(self, target, data):
        self.target, self.data = target, data

    def execute(self):
        self.target.write(self.data)  # op: write


class Cut:
    def __init__(self, target):
        self.target = target

    def execute(self):
        self.target.truncate(10)  # op: truncate
        self.target.seek(0)  # op: seek


class Read:
    def __init__(self, target):
        self.target = target

    def execute(self):
        return self.target.getvalue()  # op: getvalue


backlog = []


def plans():
    while True:
        if len(backlog) < 3000:
            backlog.extend([Write(shared, bytes(5000)), Cut(shared), Read(shared)] * 10)


def executes():
    while True:
        try:
            command = backlog.pop()
        except IndexError:
            continue
        command.execute()


run(plans, executes, copies=3)
