"""gh-135878: repr(SimpleNamespace) keeps a borrowed value of its dict, which another thread
replaces.
"""

from types import SimpleNamespace

from _handover import Handover
from _truth import tell

EXPECT = {
    "defect": "namespace",
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": ("FT101", "FT102"),
    "confidence": ("proven", "likely"),
    "expected_type": "types.UnionType",
    "container": ("types.SimpleNamespace", "dict"),
    "threads": ["reader", "MainThread"],
    "known": "gh-135878",
}

turn = Handover()
space = SimpleNamespace(width=1, kind=turn.member() | int | bytes)
tell(subject=id(space.kind), container=id(space), dictionary=id(space.__dict__))


def reader():
    repr(space)  # op: repr, reads


def writer():
    turn.take()
    space.kind = None  # op: setattr
    kept = [[1] for _ in range(5000)]
    turn.give_back()
    return kept


turn.start(reader)
writer()
