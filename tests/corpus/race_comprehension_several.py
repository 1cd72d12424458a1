"""A dict comprehension with several calls of one SimpleNamespace's mapping."""

from types import SimpleNamespace

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("types.SimpleNamespace", "dict"),
    "known": "gh-135878",
}

shared = SimpleNamespace(**{f"name_{number}": number for number in range(10)})
tell(object=id(shared), also=[id(vars(shared))])


def shows():
    while True:
        {text: len(text) for text in (repr(shared), str(shared)) if text}  # op: repr or str, reads


def changes():
    while True:
        for number in range(10):
            delattr(shared, f"name_{number}")  # op: delattr
            setattr(shared, f"name_{number}", [number])  # op: setattr


run(shows, changes)
