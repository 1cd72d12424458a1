"""Threads that wait for things to happen: conditions, events, queues, semaphores, barriers, a lock
that is only a signal.
"""

import queue
import threading
import time

from _state import know, rest, start

EXPECT = {
    "holds": {
        "notified": [],
        "event": [],
        "queue": [],
        "simple queue": [],
        "semaphore": [],
        "barrier": [],
        "signal": [],
        "sleeper": [],
        "timed": [],
    },
    "waits": {
        "notified": "condition",
        "event": "notification",
        "queue": "notification",
        "simple queue": "simple_queue",
        "semaphore": "notification",
        "barrier": "notification",
        "signal": "signal_lock",
        "sleeper": None,
        "timed": "notification",
    },
    "holders": {"signal_lock": [], "condition_lock": []},
    "cycles": [],
    "problems": [],
    "hang": "waiting",
}

condition_lock, signal_lock = threading.Lock(), threading.Lock()
condition = threading.Condition(condition_lock)
simple_queue = queue.SimpleQueue()
know(
    simple_queue=simple_queue,
    condition=condition,
    signal_lock=signal_lock,
    condition_lock=condition_lock,
)


def notified():
    # The lock is given back inside wait(), though the block goes on.
    with condition_lock:
        condition.wait()


def signal():
    signal_lock.acquire()
    signal_lock.acquire()


def event():
    threading.Event().wait()


def sleeper():
    time.sleep(60)


def timed():
    threading.Event().wait(60)


start(notified)
start(signal)
start(event)
start(sleeper)
start(timed)
start(queue.Queue().get, "queue")
start(simple_queue.get, "simple queue")
start(threading.Semaphore(0).acquire, "semaphore")
start(threading.Barrier(2).wait, "barrier")
rest()
