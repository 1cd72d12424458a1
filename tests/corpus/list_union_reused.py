"""gh-132713 with the freed union's block handed out again: a classmethod lives there now, its
second word a str, not a tuple.
"""

from _handover import Handover
from _truth import tell

EXPECT = {
    "defect": "list_union",
    "builds": {
        "debug-unfixed": {"signal": "SIGABRT", "assertion": "PyTuple_Check(alias->args)"},
        "release-unfixed": {"signal": "SIGSEGV"},
    },
    "rule": ("FT101", "FT103", "FT201"),
    "also": ("FT201", "FT103"),
    "confidence": "proven",
    "expected_type": "types.UnionType",
    "type": "classmethod",
    "container": "list",
    "threads": ["reader", "MainThread"],
    "known": "gh-132713",
}

turn = Handover()
lst = [int | str, turn.member() | int | bytes, dict | list]
tell(subject=id(lst[1]), container=id(lst), index=1)


def reader():
    repr(lst)  # op: repr, reads


def writer():
    turn.take()
    lst.clear()  # op: clear
    kept = [classmethod("x" * 40) for _ in range(5000)]
    turn.give_back()
    return kept


turn.start(reader)
writer()
