"""Two calls on one line; both threads are in the second, where one of them faults."""

import threading

import two_calls

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT404",
    "headline": ("gauge_hold",),
    "race": {"type": "two_calls.Gauge", "operations": ("hold", "hold")},
    "shows": ("gauge_hold", "^^^^^^^^^^^^^^^^"),
    "never": ("clear and clear",),
}


def calm():
    gauge.clear(); gauge.hold(False)  # fmt: skip  # noqa: E702


def wild():
    gauge.clear(); gauge.hold(True)  # fmt: skip  # noqa: E702


if __name__ == "__main__":
    gauge = two_calls.Gauge()
    threads = [threading.Thread(target=run, name=run.__name__) for run in (calm, wild)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
