"""As classmethod_init, but another staticmethod lives in the freed union's block: the failed
assertion on a debug build.
"""

from _handover import Handover
from _truth import tell

EXPECT = {
    "defect": "classmethod_init",
    "builds": {
        "release": {"signal": "SIGSEGV"},
        "debug": {"signal": "SIGABRT", "assertion": "PyTuple_Check(alias->args)"},
    },
    "rule": "FT204",
    "also": ("FT103", "FT201"),
    "confidence": "proven",
    "type": "classmethod",
    "threads": ["reader", "MainThread"],
    "known": ("gh-144330", "gh-132713", "gh-127192"),
}

turn = Handover()
method = classmethod(turn.member() | int | bytes)
tell(subject=id(method), also_subject=id(method.__func__))


def reader():
    repr(method)  # op: repr, reads


def writer():
    turn.take()
    method.__init__(None)  # op: __init__
    kept = [staticmethod("x" * 40) for _ in range(5000)]
    turn.give_back()
    return kept


turn.start(reader)
writer()
