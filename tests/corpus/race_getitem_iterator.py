"""iter() of an object that only has __getitem__."""

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("iterator", "Pages"),
    "known": ("gh-156310", "gh-120496"),
}


class Pages:
    def __getitem__(self, number):
        if number > 5:
            raise IndexError
        return number


slot = [iter(Pages())]


def reads():
    while True:
        for _ in slot[0]:  # op: next or iter
            pass
        slot[0] = iter(Pages())


def turns():
    while True:
        if next(slot[0], None) is None:  # op: next
            slot[0] = iter(Pages())


run(reads, turns, copies=3)
