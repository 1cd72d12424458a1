"""array[i] = x converts x before it stores: another thread clears the array in between."""

import array

from _handover import Handover
from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT203",
    "confidence": ("proven", "likely"),
    "subject_type": "array.array",
    "container": ("array.array", None),
    "threads": ["reader", "MainThread"],
    "known": ("gh-128942", "gh-146007"),
}

turn = Handover()
numbers = array.array("i", range(100))
tell(subject=id(numbers), container=id(numbers), index=50)


class Slow:
    def __index__(self):
        turn.hand_over()
        return 7


def reader():
    numbers[50] = Slow()  # op: setitem


def writer():
    turn.take()
    numbers.clear()  # op: clear
    turn.give_back()


turn.start(reader)
writer()
