"""Calls that are chained over several lines, and in a comprehension that is an argument; both
threads are in the second call of theirs.
"""

import operator
import threading

import running_call

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT404",
    "headline": ("gauge_hold",),
    "race": {"type": "running_call.Gauge", "operations": ("hold", "hold")},
    "shows": (
        ".hold(True)",
        "^^^^^^^^^^",
        "sum([hold(each) for each in [gauge.clear()]])",
        "^^^^^^^^^^",
    ),
    "never": ("clear and", "and clear"),
}


def calm():
    hold = operator.methodcaller("hold", False)
    return sum([hold(each) for each in [gauge.clear()]])


def wild():
    return (
        gauge.clear()
        .hold(True)
        .clear()
    )  # fmt: skip


if __name__ == "__main__":
    gauge = running_call.Gauge()
    threads = [threading.Thread(target=run, name=run.__name__) for run in (calm, wild)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
