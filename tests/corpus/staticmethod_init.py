"""repr(staticmethod) formats a borrowed callable, which __init__ in another thread replaces and
frees (3.13 and 3.14).
"""

from _handover import Handover
from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT204",
    "also": ("FT102", "FT103"),
    "confidence": "proven",
    "type": "staticmethod",
    "threads": ["reader", "MainThread"],
    "known": ("gh-144330", "gh-132713", "gh-127192"),
}

turn = Handover()
method = staticmethod(turn.member() | int | bytes)
tell(subject=id(method), also_subject=id(method.__func__))


def reader():
    repr(method)  # op: repr, reads


def writer():
    turn.take()
    method.__init__(None)  # op: __init__
    kept = [[1] for _ in range(5000)]
    turn.give_back()
    return kept


turn.start(reader)
writer()
