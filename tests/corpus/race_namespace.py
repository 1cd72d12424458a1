"""gh-135878: repr(SimpleNamespace) keeps a borrowed value while another thread replaces it."""

from types import SimpleNamespace

from _truth import run, tell

EXPECT = {
    "defect": "namespace",
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "types.SimpleNamespace",
    "known": "gh-135878",
}

classes = [type(f"C{number}", (), {}) for number in range(40)]
union = int
for cls in classes:
    union = union | cls
shared = SimpleNamespace(kind=union, other=1)
tell(object=id(shared), also=[id(shared.__dict__)])


def show():
    while True:
        repr(shared)  # op: repr, reads


def write():
    while True:
        shared.kind = union | str  # op: setattr


run(show, write)
