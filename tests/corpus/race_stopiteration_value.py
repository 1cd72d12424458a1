"""A StopIteration that is kept as a generator's result has its value set and read."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "StopIteration",
    "known": None,
}

shared = StopIteration([1])
tell(object=id(shared))


class Result:
    __slots__ = ("holder",)

    def __init__(self, holder):
        self.holder = holder

    @property
    def value(self):
        return self.holder.value  # op: value or getattr, reads

    @value.setter
    def value(self, new):
        self.holder.value = new  # op: value or setattr


result = Result(shared)


def stores():
    while True:
        result.value = [1]


def loads():
    while True:
        result.value


run(stores, loads)
