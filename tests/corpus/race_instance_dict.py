"""gh-124470: an instance's dict is replaced while others look attributes up in it."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "Settings",
    # Two threads replace it at once as well: either defect may kill.
    "known": ("gh-124470", "gh-134679"),
}


class Settings:
    pass


shared = Settings()
shared.colour = "red"
tell(object=id(shared), also=[id(Settings)])


def read():
    while True:
        _ = shared.colour  # op: getattr, reads


def replace():
    while True:
        shared.__dict__ = {"colour": "blue", "size": 7}  # op: setattr


run(read, replace)
