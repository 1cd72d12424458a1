"""gh-132713's second defect: two threads fill in one union's parameters at once, each with a tuple
of its own.  Where a critical section lets only one of them in, it lives.
"""

import os
import threading
import time
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

ALONE = 5.0
"""Seconds after which nobody else will come: far more than the other thread's first steps take."""
both_inside = threading.Barrier(3)
inside = []


class Meta(type):
    def __getattr__(cls, name):
        if name == "__typing_subst__":
            inside.append(threading.get_ident())
            # A thread that blocks gives up its critical sections, and the other one could enter.
            deadline = time.monotonic() + ALONE
            while len(inside) < 2:
                if time.monotonic() > deadline:
                    os._exit(0)
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
