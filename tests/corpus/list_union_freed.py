"""gh-132713, the founding crash: repr(list) keeps a borrowed union, which is freed in the middle of
union_repr().
"""

from _handover import Handover
from _truth import tell

EXPECT = {
    "defect": "list_union",
    "builds": {"release-unfixed": {}, "debug-unfixed": {}},
    "signal": "SIGSEGV",
    "rule": "FT101",
    "confidence": "proven",
    "expected_type": "types.UnionType",
    "container": "list",
    "threads": ["reader", "MainThread"],
    "known": "gh-132713",
}

turn = Handover()
lst = [int | str, list[int] | str, turn.member() | int | bytes, dict | list]
tell(subject=id(lst[2]), container=id(lst), index=2)


def reader():
    repr(lst)  # op: repr, reads


def writer():
    turn.take()
    lst.clear()  # op: clear
    kept = [[1] for _ in range(5000)]
    turn.give_back()
    return kept


turn.start(reader)
writer()
