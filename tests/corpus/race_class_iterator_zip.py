"""A class's __next__ takes from a zip; threads loop over an instance of it."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("zip",),
    "known": ("gh-124397", "gh-123471"),
}


class Numbered:
    def __init__(self, text):
        self.rows = zip(itertools.count(10**6), itertools.repeat(text))

    def __iter__(self):
        return self

    def __next__(self):
        number, text = next(self.rows)  # op: next
        return f"{number}: {text}"


numbered = Numbered("row")
tell(object=id(numbered.rows))


def first():
    while True:
        found = [row for row in itertools.islice(numbered, 500) if row.endswith("x")]
        found.clear()


def second():
    for row in numbered:
        if not row:
            break


run(first, second)
