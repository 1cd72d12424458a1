"""Three threads, three locks of three kinds, and a fourth thread that waits for one of them from
outside of the cycle.
"""

import threading

from _state import know, rest, start

EXPECT = {
    "holds": {"first": ["a"], "second": ["b"], "outside": []},
    "waits": {"first": "b", "second": "c", "third": "a", "outside": "b"},
    "holders": {"a": ["first"], "b": ["second"], "c": ["third"]},
    "cycles": [["first", "second", "third"]],
    "problems": [("FT303", "possible")],
    "hang": "waiting",
}

a, b, all_three = threading.Lock(), threading.RLock(), threading.Barrier(4)
c = threading.Lock()
condition = threading.Condition(c)
know(a=a, b=b, c=c)


def first():
    with a:
        all_three.wait()
        with b:
            pass


def second():
    with b:
        all_three.wait()
        with condition:
            pass


def third():
    # The condition has the lock; the block's manager is not the lock itself, so this is only a
    # hint.
    with condition:
        all_three.wait()
        with a:
            pass


def outside():
    all_three.wait()
    threading.Event().wait(0.1)
    with b:
        pass


for function in (first, second, third, outside):
    start(function)
rest(0.5)
