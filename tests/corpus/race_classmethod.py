"""gh-144330: classmethod.__init__ replaces the callable that another thread's repr formats."""

from _truth import run, tell

EXPECT = {
    "defect": "classmethod_init",
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "classmethod",
    "known": ("gh-144330", "gh-132713", "gh-127192"),
}

classes = [type(f"C{number}", (), {}) for number in range(40)]
union = int
for cls in classes:
    union = union | cls
shared = classmethod(union)
tell(object=id(shared))


def show():
    while True:
        repr(shared)  # op: repr, reads


def again():
    while True:
        shared.__init__(union | str)  # op: __init__


run(show, again)
