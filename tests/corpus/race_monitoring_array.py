"""A tool of sys.monitoring counts the calls of all threads."""

import array
import sys

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

log = array.array("q")
tell(object=id(log))


def called(code, offset, function, argument):
    log.append(7)  # op: append
    if len(log) > 40:  # op: len, reads
        del log[:]  # op: delitem


sys.monitoring.use_tool_id(3, "calls")
sys.monitoring.register_callback(3, sys.monitoring.events.CALL, called)


def work(numbers):
    return max(numbers) - min(numbers) + len(numbers)


sys.monitoring.set_local_events(3, work.__code__, sys.monitoring.events.CALL)


def worker():
    while True:
        work([3, 1, 2])


run(worker, copies=3)
