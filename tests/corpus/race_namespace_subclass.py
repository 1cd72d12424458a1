"""A SimpleNamespace subclass is printed while its members, unions, are replaced."""

import types

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("Settings", "dict"),
    "known": "gh-135878",
}


class Settings(types.SimpleNamespace):
    def summary(self):
        return repr(self)  # op: repr, reads


shared = Settings(kind=int | str, other=list | None)
tell(object=id(shared), also=[id(shared.__dict__)])


def prints():
    while True:
        shared.summary()


def changes():
    while True:
        for number in range(50):
            setattr(  # op: setattr or store
                shared, f"v{number % 7}", list[int] | dict[str, int] | None
            )
        shared.__dict__.clear()  # op: clear


run(prints, changes)
