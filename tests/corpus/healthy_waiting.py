"""Threads that wait: for a condition, an event with a timeout, a sleep, a lock that is handed
around.
"""

import threading
import time

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}

condition, lock, never = threading.Condition(), threading.RLock(), threading.Event()


def wait():
    while True:
        with condition:
            condition.wait(0.05)


def notify():
    while True:
        with condition:
            condition.notify_all()
        time.sleep(0.001)


def hold():
    while True:
        with lock, lock:
            never.wait(0.002)


run(wait, notify, hold)
