"""gh-132713's second defect: two threads fill in one union's parameters at once, each with a tuple
of its own.
"""

import os
import threading
import types

from _truth import tell

EXPECT = {
    "builds": {"release-unfixed": {}, "debug-unfixed": {}},
    "signal": "SIGABRT",
    "rule": ("FT202", "FT405"),
    "also": "FT202",
    "threads": [],
    "known": "gh-132713",
}

both_inside = threading.Barrier(3)


class Meta(type):
    def __getattr__(cls, name):
        if name == "__typing_subst__":
            both_inside.wait()
            threading.Event().wait()
        raise AttributeError(name)


class Member(metaclass=Meta):
    pass


union = types.GenericAlias(Member, (int,)) | str
tell(union=id(union))


def first():
    return union.__parameters__  # op: parameters


def second():
    return union.__parameters__  # op: parameters


for function in (first, second):
    threading.Thread(target=function, name=function.__name__, daemon=True).start()
both_inside.wait()
os.abort()
